import { createPrivateKey } from 'node:crypto';
import { createNoteSigner, openNote, parseVkey, signNote } from '@strongroom/attestation-tlog';
import type { Suite, SuiteCase } from '../suite.js';
import { listFiles, outcome, parseJson, readText } from '../vectors.js';

interface NoteVectors {
  readonly open?: readonly { readonly id: string; readonly note: string; readonly vkeys: readonly string[]; readonly expect: 'reject' | Opened }[];
  readonly vkeys?: readonly { readonly vkey: string; readonly expect: 'accept' | 'reject'; readonly why?: string }[];
  readonly sign?: readonly { readonly skey: string; readonly text: string; readonly want: string }[];
}

interface Opened {
  readonly verified: readonly string[];
  readonly unverified: readonly string[];
}

/** Opening, key parsing and deterministic signing. */
export const signedNotesSuite: Suite = {
  name: 'tlog-signed-notes',
  folder: 'tlog/signed-notes',
  async run(folder) {
    const cases: SuiteCase[] = [];
    for (const file of (await listFiles(folder)).filter((each) => each.endsWith('.json'))) {
      const vectors = parseJson(await readText(folder, file)) as NoteVectors;
      for (const { id, note, vkeys, expect } of vectors.open ?? []) {
        const expected = expect === 'reject' ? 'reject' : describeOpened(expect);
        cases.push({ case: `open ${id}`, expected, got: await outcome(() => open(note, vkeys)) });
      }
      for (const [at, { vkey, expect, why }] of (vectors.vkeys ?? []).entries()) {
        cases.push({ case: `vkey ${at} ${why ?? ''}`.trim(), expected: expect, got: await outcome(() => void parseVkey(vkey)) });
      }
      for (const [at, { skey, text, want }] of (vectors.sign ?? []).entries()) {
        cases.push({ case: `sign ${at}`, expected: want, got: await outcome(() => sign(skey, text)) });
      }
    }
    return cases;
  },
};

function open(note: string, vkeys: readonly string[]): string {
  const opened = openNote(Buffer.from(note), vkeys.map(parseVkey));
  return describeOpened({ verified: opened.signatures.map(({ name }) => name), unverified: opened.unknown.map(({ name }) => name) });
}

function describeOpened({ verified, unverified }: Opened): string {
  return `verified: ${verified.join(' ')}; unknown: ${unverified.join(' ')}`;
}

function sign(skey: string, text: string): string {
  // PRIVATE+KEY+<name>+<key id>+<base64 of type and seed>
  const [, , name = '', , ...key] = skey.split('+');
  const seed = Buffer.from(key.join('+'), 'base64').subarray(1);
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return Buffer.from(signNote(text, [createNoteSigner({ name, privateKey })])).toString();
}
