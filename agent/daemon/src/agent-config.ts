import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AgentError } from './errors.js';

const path = z.string().min(1).max(4096);
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const schema = z.strictObject({
  /** UUIDv7 of the node record. */
  node: z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
  /** Folder of this node's own state, mode 0700. Danger: with it and the TPM one is this node. */
  stateFolder: path,
  /** Folder of sockets and everything else that ends with a lease; its path must be short (sockets: 107 bytes in all). */
  runtimeFolder: path,
  /** Where sealed weights lie: `<weightsFolder>/<asset id>/<shard path>.sealed`. */
  weightsFolder: path,
  /** The agents' listener of the control plane. */
  server: z.url({ protocol: /^https$/ }),
  /** PEM of the platform's CA, which the server's certificate must chain to. */
  serverAuthorityFile: path,
  /** Trust anchors (DSSE) and their pinned digest. Danger: whoever sets these decides whom the node believes. */
  anchorsFile: path,
  anchorsDigest: digest,
  /** Pinned digest of the log's entry 0. */
  genesisDigest: digest,
  /** Revision of the policy bundle this agent carries. */
  policyRevision: z.number().int().min(1).default(1),
  /** What may vouch for this node, best first. Production: hardware alone. */
  evidenceSources: z.array(z.enum(['hardware', 'swtpm', 'software'])).min(1).max(3),
  /** Seconds without a renewed lease that end everything come with the lease; this is how often to look for work. Default 1. */
  pollSeconds: z.number().min(0.2).max(60).default(1),
  /** cgroup v2 folder of the workload; the watchdog kills it before anything is taken away. */
  workloadCgroup: path.optional(),
});

export type AgentConfig = Readonly<z.infer<typeof schema>>;

/** Reads the agent's configuration; every fault is reported together. @throws AgentError `config-invalid` */
export function loadAgentConfig(file: string): AgentConfig {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new AgentError('config-invalid', `${file} cannot be read as JSON`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  /${issue.path.join('/')}: ${issue.message}`);
    throw new AgentError('config-invalid', [`${file} is not usable:`, ...faults].join('\n'));
  }
  return Object.freeze(parsed.data);
}
