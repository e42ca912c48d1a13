import { createVerifier, openNote, parseCheckpoint, parseNote, parseVkey, type NoteVerifier } from '@strongroom/attestation-tlog';
import type { Suite, SuiteCase } from '../suite.js';
import { listFiles, outcome, parseJson, readBytes, readText } from '../vectors.js';

interface CosignerDescription {
  readonly verifier_keys?: readonly string[];
}

interface LogDescription {
  readonly final_tree_head?: { readonly sha256_root_hash: string; readonly timestamp: bigint; readonly tree_size: bigint };
}

/**
 * Checkpoints with cosignatures by deployed software: `<name>.checkpoint` is cosigned by the keys in `<name>.v0.json`. The log's
 * description (`*.v3.json`) tells the size and root, and the second at which the fixture was cosigned.
 */
export const cosignedCheckpointsSuite: Suite = {
  name: 'tlog-cosigned-checkpoints',
  folder: 'tlog/sunlight-cosigned',
  async run(folder) {
    const files = await listFiles(folder);
    const heads = await Promise.all(files.filter((file) => file.endsWith('.v3.json')).map(async (file) => (parseJson(await readText(folder, file)) as LogDescription).final_tree_head));
    const timeSeconds = heads[0] === undefined ? undefined : heads[0].timestamp / 1000n;
    const cases: SuiteCase[] = [];
    for (const file of files.filter((each) => each.endsWith('.v0.json'))) {
      const name = file.slice(0, -'.v0.json'.length);
      const { verifier_keys: vkeys = [] } = parseJson(await readText(folder, file)) as CosignerDescription;
      if (files.includes(`${name}.checkpoint`)) cases.push(...(await runCosigner(await readBytes(folder, `${name}.checkpoint`), name, vkeys.map(parseVkey), timeSeconds)));
    }
    for (const file of files.filter((each) => each.endsWith('.v3.json') && files.includes(each.replace('.v3.json', '.checkpoint')))) {
      const { final_tree_head: head } = parseJson(await readText(folder, file)) as LogDescription;
      const note = await readBytes(folder, file.replace('.v3.json', '.checkpoint'));
      const got = await outcome(() => describeHead(note));
      if (head !== undefined) cases.push({ case: `${file} tree head`, expected: `${head.tree_size} ${head.sha256_root_hash}`, got });
    }
    return cases;
  },
};

async function runCosigner(note: Uint8Array, name: string, keys: readonly NoteVerifier[], timeSeconds: bigint | undefined): Promise<SuiteCase[]> {
  const times = (bytes: Uint8Array, known: readonly NoteVerifier[]): string =>
    openNote(bytes, known).signatures.map((signature) => (timeSeconds === undefined ? 'cosigned' : `cosigned at ${signature.timeSeconds}`)).join(', ');
  const expected = keys.map(() => (timeSeconds === undefined ? 'cosigned' : `cosigned at ${timeSeconds}`)).join(', ');
  const changed = Buffer.from(Buffer.from(note).toString().replace(/^(.*\n)(\d+)\n/, '$1$21\n'));
  const strangers = keys.map(({ publicKey }) => createVerifier('stranger.example', 'cosignature/v1', publicKey));
  return [
    { case: `${name} cosignature`, expected, got: await outcome(() => times(note, keys)) },
    { case: `${name} with another size`, expected: 'reject', got: await outcome(() => times(changed, keys)) },
    { case: `${name} under another name`, expected: 'reject', got: await outcome(() => times(note, strangers)) },
    { case: `${name} without any key`, expected: 'reject', got: await outcome(() => times(note, [])) },
  ];
}

function describeHead(note: Uint8Array): string {
  const { size, rootHash } = parseCheckpoint(parseNote(note).text);
  return `${size} ${Buffer.from(rootHash).toString('base64')}`;
}
