import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { verifyEar } from '@strongroom/attestation-appraisal';
import type { Suite, SuiteCase } from '../suite.js';
import { listFiles, outcome, readText } from '../vectors.js';

/**
 * Tokens of the Veraison project. They are of its own 2023 profile and name neither key, issuer nor audience, so that even the one whose signature
 * holds must not pass for a result made for us. Claim sets without a signature, Rego vectors and JWK scenarios are not judged here.
 */
export const earSuite: Suite = {
  name: 'ear-tokens',
  folder: 'attestation/ear',
  async run(folder) {
    const key = createPublicKey({ key: JSON.parse(await readText(folder, 'pkey.json')) as JsonWebKey, format: 'jwk' });
    const cases: SuiteCase[] = [];
    for (const file of (await listFiles(folder)).filter((each) => each.endsWith('.jwt'))) {
      const jwt = (await readText(folder, file)).trim();
      const signed = file.startsWith('verify_pass');
      cases.push(
        { case: `${file}, signature`, expected: String(signed), got: String(holds(jwt, key)) },
        { case: `${file} as a result for us`, expected: 'reject', got: await outcome(() => judge(jwt, key)) },
      );
    }
    return cases;
  },
};

async function judge(jwt: string, key: KeyObject): Promise<string> {
  const publicKeys = new Map([['', key], ['veraison', key]]);
  const { result } = await verifyEar(jwt, { publicKeys, issuer: 'https://veraison.example', audience: 'strongroom', now: new Date('2026-12-01T00:00:00Z') });
  return result.status;
}

/** ES256 by hand: no algorithm but this one, three parts. */
function holds(jwt: string, key: KeyObject): boolean {
  const [header = '', payload = '', signature = '', ...rest] = jwt.split('.');
  if (rest.length > 0 || !/"alg":"ES256"/.test(Buffer.from(header, 'base64url').toString())) return false;
  return verify('sha256', Buffer.from(`${header}.${payload}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
}
