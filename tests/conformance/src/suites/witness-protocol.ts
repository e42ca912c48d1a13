import { answerAddCheckpoint, createVerifier, type WitnessedTree } from '@strongroom/attestation-tlog';
import type { Suite, SuiteCase } from '../suite.js';
import { listFiles, parseJson, readText } from '../vectors.js';

interface WitnessVectors {
  readonly log_key_hex: string;
  readonly origin: string;
  readonly requests: readonly { readonly order: bigint; readonly body: string; readonly status: bigint; readonly assertion?: string }[];
}

/** Requests in order to one fresh witness that trusts one log. Each must get the status, and a conflict the size, of the original. */
export const witnessProtocolSuite: Suite = {
  name: 'tlog-witness-protocol',
  folder: 'tlog/witness-protocol',
  async run(folder) {
    const cases: SuiteCase[] = [];
    for (const file of (await listFiles(folder)).filter((each) => each.endsWith('.json'))) {
      cases.push(...replay(file, parseJson(await readText(folder, file)) as WitnessVectors));
    }
    return cases;
  },
};

function replay(file: string, vectors: WitnessVectors): SuiteCase[] {
  const key = createVerifier(vectors.origin, 'ed25519', new Uint8Array(Buffer.from(vectors.log_key_hex, 'hex')));
  const latest = new Map<string, WitnessedTree>();
  return [...vectors.requests].map(({ order, body, status, assertion }) => {
    const verdict = answerAddCheckpoint(Buffer.from(body), {
      keysOf: (origin) => (origin === vectors.origin ? [key] : undefined),
      latestOf: (origin) => latest.get(origin),
    });
    if (verdict.status === 200) latest.set(verdict.origin, verdict.tree);
    const size = /^body == "(\d+)\\n"$/.exec(assertion ?? '')?.[1];
    const expected = size === undefined ? `${status}` : `${status} with size ${size}`;
    const got = verdict.status === 409 && size !== undefined ? `409 with size ${verdict.size}` : `${verdict.status}`;
    return { case: `${file} request ${order}`, expected, got };
  });
}
