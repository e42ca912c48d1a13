import {
  parseCheckpoint,
  parseNote,
  parseTlogProof,
  parseVkey,
  parseWitnessPolicy,
  policyLog,
  policyVerifiers,
  verifyCheckpoint,
  verifyTlogProof,
  type CheckpointTrust,
  type WitnessPolicy,
} from '@strongroom/attestation-tlog';
import type { Suite, SuiteCase } from '../suite.js';
import { listFiles, outcome, readBytes, readText } from '../vectors.js';

/**
 * Proofs, policies and checkpoints that other tools accepted: `policy.txt`, `<entry>.tlog-proof` beside `<entry>.json`, and
 * `*.checkpoint` by the key in `log.vkey`. From each accepted proof come the ones that must be refused.
 */
export const logProofsSuite: Suite = {
  name: 'tlog-proofs',
  folder: 'tlog/interop-generated',
  async run(folder) {
    const files = await listFiles(folder);
    const policy = parseWitnessPolicy(await readBytes(folder, 'policy.txt'));
    const cases: SuiteCase[] = [];
    for (const file of files.filter((each) => each.endsWith('.tlog-proof'))) {
      const name = file.slice(0, -'.tlog-proof'.length);
      cases.push(...(await runProof(name, await readText(folder, file), await readBytes(folder, `${name}.json`), policy)));
    }
    for (const file of files.filter((each) => each.endsWith('.checkpoint'))) {
      const vkey = (await readText(folder, 'log.vkey')).trim();
      cases.push(...(await runCheckpoint(file, await readBytes(folder, file), vkey, policy)));
    }
    return cases;
  },
};

async function runProof(name: string, proof: string, entry: Uint8Array, policy: WitnessPolicy): Promise<SuiteCase[]> {
  const trust = trustIn(parseTlogProof(proof).checkpoint, policy);
  const { index } = parseTlogProof(proof);
  const judge = (changes: { readonly proof?: string; readonly entry?: Uint8Array }): Promise<string> =>
    outcome(() => `entry ${verifyTlogProof({ proof, entry, ...trust, ...changes }).index}`);
  const longer = Buffer.concat([entry, Buffer.from(' ')]);
  const unwitnessed = withoutWitnesses(proof, policy);
  const cases: SuiteCase[] = [
    { case: `${name} as it stands`, expected: `entry ${index}`, got: await judge({}) },
    { case: `${name} with one byte more in the entry`, expected: 'reject', got: await judge({ entry: longer }) },
    { case: `${name} for an empty entry`, expected: 'reject', got: await judge({ entry: new Uint8Array() }) },
    { case: `${name} at the next index`, expected: 'reject', got: await judge({ proof: proof.replace(`index ${index}`, `index ${index + 1n}`) }) },
    { case: `${name} without its last hash`, expected: 'reject', got: await judge({ proof: proof.replace(/\n[^\n]+\n\n/, '\n\n') }) },
    { case: `${name} cut short`, expected: 'reject', got: await judge({ proof: proof.slice(0, -1) }) },
  ];
  if (unwitnessed !== proof) cases.push({ case: `${name} without the witness`, expected: 'reject', got: await judge({ proof: unwitnessed }) });
  return cases;
}

/** A verifier that knows the log's key alone accepts; with the policy, only what the policy's witnesses cosigned. */
async function runCheckpoint(file: string, note: Uint8Array, vkey: string, policy: WitnessPolicy): Promise<SuiteCase[]> {
  const log = parseVkey(vkey);
  const isWitnessed = policyVerifiers(policy).some(({ name }) => Buffer.from(note).toString().includes(`\u2014 ${name} `));
  const alone = await outcome(() => void verifyCheckpoint(note, { origin: log.name, log }));
  const byPolicy = await outcome(() => void verifyCheckpoint(note, trustIn(note, policy)));
  return [
    { case: `${file} by the log's key alone`, expected: 'accept', got: alone },
    { case: `${file} by the policy`, expected: isWitnessed || policy.quorum.kind === 'none' ? 'accept' : 'reject', got: byPolicy },
  ];
}

function trustIn(note: Uint8Array, policy: WitnessPolicy): CheckpointTrust {
  const { origin } = parseCheckpoint(parseNote(note).text);
  return { origin, log: policyLog(policy, origin), witnesses: policy };
}

function withoutWitnesses(proof: string, policy: WitnessPolicy): string {
  const names = policyVerifiers(policy).map(({ name }) => `\u2014 ${name} `);
  return proof.split('\n').filter((line) => !names.some((name) => line.startsWith(name))).join('\n');
}
