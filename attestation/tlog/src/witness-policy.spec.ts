import { describe, expect, it } from '@jest/globals';
import { testKey } from './fakes/keys.js';
import { createCosigner, createNoteSigner } from './signer.js';
import { formatVkey } from './vkey.js';
import { formatWitnessPolicy, isQuorumMet, parseWitnessPolicy, policyLog, policyVerifiers } from './witness-policy.js';

const code = (of: string): unknown => expect.objectContaining({ code: of });
const log = createNoteSigner({ name: 'log.example', privateKey: testKey('log') });
const vkey = (name: string): string => createCosigner({ name: `${name}.example`, privateKey: testKey(name) }).vkey;
const unsupported = `pq.example+00000000+${Buffer.concat([Buffer.from([6]), Buffer.alloc(1312)]).toString('base64')}`;
const head = `log ${log.vkey} https://log.example/\nwitness X1 ${vkey('x1')}\nwitness X2 ${vkey('x2')} https://x2.example/\nwitness Y1 ${vkey('y1')}\n`;
const nested = `# two sites\n${head}\n group X 2\tX1 X2\ngroup both all X Y1 \nquorum both\n`;

describe('parseWitnessPolicy', () => {
  it('reads logs, witnesses, nested groups, comments and white space', () => {
    const policy = parseWitnessPolicy(nested);
    expect(policy.logs).toMatchObject([{ vkey: log.vkey, url: 'https://log.example/' }]);
    expect(policy.witnesses.map(({ name }) => name)).toEqual(['X1', 'X2', 'Y1']);
    expect(policy.quorum).toMatchObject({ kind: 'group', name: 'both', threshold: 2 });
    expect(policyLog(policy, 'log.example').vkey).toBe(log.vkey);
    expect(policyVerifiers(policy)).toHaveLength(3);
  });

  it('is read back as formatWitnessPolicy writes it', () => {
    for (const text of [nested, `${head}quorum X2\n`, `${head}quorum none\n`, 'quorum none\n']) {
      const policy = parseWitnessPolicy(text);
      expect(formatWitnessPolicy(parseWitnessPolicy(formatWitnessPolicy(policy)))).toBe(formatWitnessPolicy(policy));
    }
  });

  it('needs each part of the quorum, and counts a witness in its own place only', () => {
    const { quorum } = parseWitnessPolicy(nested);
    const met = (...names: string[]): boolean => isQuorumMet(quorum, new Set(names.map(vkey)));
    expect(met('x1', 'x2', 'y1')).toBe(true);
    for (const names of [[], ['x1'], ['x1', 'x2'], ['x1', 'y1'], ['y1', 'z1', 'z2']]) expect(met(...names)).toBe(false);
    expect(isQuorumMet(parseWitnessPolicy(`${head}group any any X1 Y1\nquorum any\n`).quorum, new Set([vkey('y1')]))).toBe(true);
  });

  it('keeps a key of an unknown type without ever counting it', () => {
    const policy = parseWitnessPolicy(`witness PQ ${unsupported}\nlog ${unsupported}\nquorum PQ\n`);
    expect(isQuorumMet(policy.quorum, new Set([unsupported]))).toBe(false);
    expect(() => policyLog(policy, 'pq.example')).toThrow(code('policy-log-unknown'));
  });

  it('compares names as octets', () => {
    expect(() => parseWitnessPolicy(`witness K ${vkey('x1')}\nquorum \u212a\n`)).toThrow(code('policy-malformed'));
    const latin = Buffer.from(`witness \xe9 ${vkey('x1')}\nquorum \xe9\n`, 'latin1');
    expect(parseWitnessPolicy(latin).quorum.kind).toBe('witness');
  });

  it.each([
    ['nothing', ''],
    ['no quorum', head],
    ['two quorums', `${head}quorum X1\nquorum X1\n`],
    ['a quorum that is not defined', `${head}quorum Z\n`],
    ['a quorum of two', `${head}quorum X1 X2\n`],
    ['a quorum before its witness', `quorum X1\n${head}`],
    ['an unknown keyword', `${head}allow X1\nquorum none\n`],
    ['an upper-case keyword', `${head}Quorum none\n`],
    ['a log without a key', 'log\nquorum none\n'],
    ['a log with a word too many', `log ${log.vkey} url x\nquorum none\n`],
    ['a log twice', `log ${log.vkey}\nlog ${log.vkey}\nquorum none\n`],
    ['one log key under two names', `log ${log.vkey}\nlog ${formatVkey('b', 'ed25519', log.verifier.publicKey)}\nquorum none\n`],
    ['a witness key as a log', `log ${vkey('x1')}\nquorum none\n`],
    ['a log key as a witness', `witness A ${log.vkey}\nquorum A\n`],
    ['a broken key', 'witness A a+b+c\nquorum A\n'],
    ['a witness without a key', 'witness A\nquorum A\n'],
    ['a witness key twice', `witness A ${vkey('x1')}\nwitness B ${vkey('x1')}\ngroup g 2 A B\nquorum g\n`],
    ['a name twice', `witness A ${vkey('x1')}\nwitness A ${vkey('x2')}\nquorum A\n`],
    ['a group with the name of a witness', `${head}group X1 any X2\nquorum X1\n`],
    ['the name none', `witness none ${vkey('x1')}\nquorum none\n`],
    ['none as a member', `${head}group g any none\nquorum g\n`],
    ['an empty group', `${head}group g any\nquorum g\n`],
    ['a group of itself', `${head}group g any g\nquorum g\n`],
    ['a member twice in one group', `${head}group g 2 X1 X1\nquorum g\n`],
    ['a member of two groups', `${head}group g any X1\ngroup h 2 g X1\nquorum h\n`],
    ['a threshold of 0', `${head}group g 0 X1 X2\nquorum g\n`],
    ['a threshold above the members', `${head}group g 3 X1 X2\nquorum g\n`],
    ['a threshold with a leading zero', `${head}group g 01 X1 X2\nquorum g\n`],
    ['a threshold that is no number', `${head}group g most X1 X2\nquorum g\n`],
    ['a carriage return', `${head}quorum X1\r\n`],
    ['more than a mebibyte', `${'#'.repeat(1 << 20)}\nquorum none\n`],
    ['too many lines', `${'\n'.repeat(5000)}quorum none\n`],
  ])('refuses %s', (_, text) => {
    expect(() => parseWitnessPolicy(text)).toThrow(code('policy-malformed'));
  });
});
