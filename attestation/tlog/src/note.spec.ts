import { describe, expect, it } from '@jest/globals';
import { testKey } from './fakes/keys.js';
import { appendSignatures, assembleNote, formatSignatureLine, openNote, parseNote, signNote } from './note.js';
import { createCosigner, createNoteSigner } from './signer.js';
import { createVerifier, formatVkey, parseVkey } from './vkey.js';

const code = (of: string): unknown => expect.objectContaining({ code: of });
const alice = createNoteSigner({ name: 'alice.example/log', privateKey: testKey('alice') });
const bob = createNoteSigner({ name: 'bob.example', privateKey: testKey('bob') });
const text = 'first line\n\nlast line\n';
const note = signNote(text, [alice, bob]);
const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('verifier keys', () => {
  it('are read back as written', () => {
    const read = parseVkey(alice.vkey);
    expect(read).toMatchObject({ name: 'alice.example/log', keyId: alice.keyId, type: 'ed25519', vkey: alice.vkey });
    expect(formatVkey(read.name, read.type, read.publicKey)).toBe(alice.vkey);
  });

  it('have different ids for different names and types', () => {
    const key = alice.verifier.publicKey;
    const ids = [alice.keyId, createVerifier('other', 'ed25519', key).keyId, createVerifier(alice.name, 'cosignature/v1', key).keyId];
    expect(new Set(ids).size).toBe(3);
  });

  it('are refused with another id, length, spelling, or without a part', () => {
    const [name = '', id = '', key = ''] = alice.vkey.split(/\+(.{8})\+(.*)/s);
    const bad = ['', 'x', `${name}+${id}`, `${name}+00000000+${key}`, `+${id}+${key}`, `${name} +${id}+${key}`, `${name}+${id}+${key}A`, `${name}+${id}+${key.slice(0, -4)}`, `${alice.vkey}\n`, 'x'.repeat(10_000)];
    for (const vkey of bad) expect(() => parseVkey(vkey)).toThrow(code('vkey-malformed'));
    expect(() => parseVkey(undefined as unknown as string)).toThrow(code('vkey-malformed'));
  });

  it('of a signature type not verified here are told apart from malformed ones', () => {
    const other = Buffer.concat([Buffer.from([0x06]), Buffer.alloc(1312)]).toString('base64');
    expect(() => parseVkey(`name+00000000+${other}`)).toThrow(code('vkey-algorithm'));
  });

  it('cannot be made from another kind of key or an impossible name', () => {
    expect(() => formatVkey('name', 'ed25519', new Uint8Array(31))).toThrow(code('key-unsuitable'));
    for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\u2003b', 'a\nb']) {
      expect(() => createNoteSigner({ name, privateKey: testKey('alice') })).toThrow(code('key-unsuitable'));
    }
  });
});

describe('openNote', () => {
  it('gives the text and who signed, in the order of the note', () => {
    const opened = openNote(note, [bob.verifier, alice.verifier]);
    expect(opened.text).toBe(text);
    expect(opened.signatures.map(({ name }) => name)).toEqual(['alice.example/log', 'bob.example']);
    expect(opened.unknown).toEqual([]);
  });

  it('ignores unknown keys, even one with the name or the id of a known key', () => {
    const namesake = createNoteSigner({ name: alice.name, privateKey: testKey('mallory') });
    const sameId = formatSignatureLine('mallory.example', alice.keyId, new Uint8Array(64));
    const mixed = appendSignatures(signNote(text, [alice, namesake]), [sameId]);
    const opened = openNote(mixed, [alice.verifier]);
    expect(opened.signatures).toHaveLength(1);
    expect(opened.unknown.map(({ name }) => name)).toEqual([alice.name, 'mallory.example']);
  });

  it('refuses a note without a known key, and when no key is known at all', () => {
    expect(() => openNote(signNote(text, [bob]), [alice.verifier])).toThrow(code('note-unverified'));
    expect(() => openNote(note, [])).toThrow(code('note-unverified'));
  });

  it('refuses the whole note when a known key does not hold, although another does', () => {
    const wrong = formatSignatureLine(bob.name, bob.keyId, new Uint8Array(64));
    const short = formatSignatureLine(bob.name, bob.keyId, new Uint8Array(63));
    for (const line of [wrong, short]) {
      expect(() => openNote(appendSignatures(signNote(text, [alice]), [line]), [alice.verifier, bob.verifier])).toThrow(code('note-signature-invalid'));
    }
    const changed = Buffer.from(asText(note).replace('first', 'First'));
    expect(() => openNote(changed, [alice.verifier])).toThrow(code('note-signature-invalid'));
  });

  it('counts one key once, however often it signs', () => {
    const line = asText(signNote(text, [alice])).split('\n').at(-2) ?? '';
    const twice = Buffer.from(`${text}\n${line}\n${line}\n`);
    expect(openNote(twice, [alice.verifier, alice.verifier]).signatures).toHaveLength(1);
  });

  it('keeps the later of two cosignatures by one key', () => {
    const witness = createCosigner({ name: 'w.example', privateKey: testKey('w') });
    const checkpoint = signNote('log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n', [alice]);
    const both = appendSignatures(checkpoint, [witness.cosign(checkpoint, 2000), witness.cosign(checkpoint, 1000)]);
    expect(openNote(both, [witness.verifier]).signatures.map(({ timeSeconds }) => timeSeconds)).toEqual([2000]);
    const swapped = Buffer.from(asText(both).replace(witness.cosign(checkpoint, 2000), witness.cosign(signNote('x\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n', [alice]), 2000)));
    expect(() => openNote(swapped, [witness.verifier])).toThrow(code('note-signature-invalid'));
  });

  it('refuses two different known keys under one name and id', () => {
    const clash = { ...bob.verifier, name: alice.name, keyId: alice.keyId };
    expect(() => openNote(note, [alice.verifier, clash])).toThrow(code('note-key-ambiguous'));
  });
});

describe('parseNote', () => {
  const line = asText(note).split('\n').at(-2) ?? '';
  it.each([
    ['empty', ''],
    ['only text', text],
    ['no signature after the empty line', `${text}\n`],
    ['no empty line', `${text.replace('\n\n', '\n')}${line}\n`],
    ['an unfinished last line', `${text}\n${line}`],
    ['another line between', `${text}\n${line}\nextra\n`],
    ['a hyphen for the dash', `${text}\n${line.replace('\u2014', '-')}\n`],
    ['two spaces', `${text}\n${line.replace('\u2014 ', '\u2014  ')}\n`],
    ['a word after the signature', `${text}\n${line} x\n`],
    ['base64 without padding', `${text}\n${line.replace(/=+$/, '')}\n`],
    ['a signature of an id alone', `${text}\n\u2014 name AAAAAA==\n`],
    ['a carriage return', `${text.replace('\n', '\r\n')}\n${line}\n`],
    ['a null byte', `\u0000${text}\n${line}\n`],
    ['a tab', `\t${text}\n${line}\n`],
    ['101 signatures', `${text}\n${`${line}\n`.repeat(101)}`],
  ])('refuses %s', (_, message) => {
    expect(() => parseNote(Buffer.from(message))).toThrow(code('note-malformed'));
  });

  it('accepts 100 signatures, and refuses bytes that are no UTF-8 or too many', () => {
    expect(parseNote(Buffer.from(`${text}\n${`${line}\n`.repeat(100)}`)).signatures).toHaveLength(100);
    expect(() => parseNote(Buffer.concat([Buffer.from([0xff]), note]))).toThrow(code('note-malformed'));
    expect(() => parseNote(new Uint8Array((1 << 20) + 1))).toThrow(code('note-too-large'));
  });

  it('separates at the last empty line', () => {
    expect(parseNote(note).text).toBe(text);
  });
});

describe('writing notes', () => {
  it('refuses a text that a note cannot carry', () => {
    for (const bad of ['', 'no newline', 'tab\t\n', 'cr\r\n', '\ud800\n']) expect(() => signNote(bad, [alice])).toThrow(code('note-malformed'));
  });

  it('refuses to make a note that nobody signed, or with a line that is no signature', () => {
    expect(() => signNote(text, [])).toThrow(code('note-malformed'));
    expect(() => assembleNote(text, ['not a signature'])).toThrow(code('note-malformed'));
    expect(() => assembleNote(text, [`x\n\n${asText(note).split('\n').at(-2)}`])).toThrow(code('note-malformed'));
  });

  it('adds a signature once', () => {
    const line = asText(signNote(text, [bob])).split('\n').at(-2) ?? '';
    expect(asText(appendSignatures(note, [line, line]))).toBe(asText(note));
    expect(asText(appendSignatures(signNote(text, [alice]), [line]))).toBe(asText(note));
  });
});
