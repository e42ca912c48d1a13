import { derSize, digestOf, isSignedBy, parseCertificate, verifyCertificatePath, type Certificate } from '@strongroom/attestation-encoding';
import { vendorEkRootDigests } from '@strongroom/attestation-tpm2';
import type { Suite, SuiteCase } from '../suite.js';
import { readCertificateFile, verdict } from '../tpm/judge.js';
import { listFiles, readBytes } from '../vectors.js';

const NOW = new Date('2026-12-01T00:00:00Z');
const SUBJECT_ALT_NAME = '2.5.29.17';
/** Roots signed with SHA-1, whose own signature is not checked: they are trusted by fingerprint. */
const sameName = ({ issuer, subject }: Certificate): boolean => Buffer.from(issuer).equals(subject);

/** The vendors' authorities: which are pinned, and that each real EK certificate at hand leads where it should. */
export const tpmCertificatesSuite: Suite = {
  name: 'tpm-certificates',
  folder: 'attestation/tpm',
  async run(folder) {
    const vendors = await readAll(folder, 'vendor-ek-roots');
    const google = await readAll(folder, 'go-tpm-tools/ca-certs');
    return [...pinCases(vendors), ...(await keylimeCases(folder, vendors)), ...(await googleCases(folder, google))];
  },
};

interface Named {
  readonly file: string;
  readonly der: Uint8Array;
}

async function readAll(folder: string, under: string): Promise<Named[]> {
  const files = await listFiles(`${folder}/${under}`);
  return Promise.all(files.map(async (file) => ({ file: `${under}/${file}`, der: readCertificateFile(await readBytes(folder, under, file)) })));
}

function pinCases(vendors: readonly Named[]): SuiteCase[] {
  const pinned = new Set(vendorEkRootDigests());
  return vendors.map(({ file, der }) => {
    const certificate = parseCertificate(der);
    const got = pinned.has(certificate.digest) ? 'pinned' : 'not pinned';
    if (!sameName(certificate)) return { case: file, expected: 'not pinned', got };
    const strong = isSignedBy(certificate, certificate) || certificate.signed.algorithm === '1.2.840.113549.1.1.5';
    return { case: `${file}, self-signed`, expected: strong ? 'pinned' : 'not pinned', got };
  });
}

function lead(leaf: Uint8Array, authorities: readonly Named[], trustedRootDigests: readonly string[]): string {
  const certificates = authorities.map(({ der }) => der);
  const parsed = certificates.map(parseCertificate);
  const wanted = related(parseCertificate(leaf), parsed);
  return verdict(() => verifyCertificatePath({ leaf, intermediates: wanted, roots: wanted, trustedRootDigests, tolerated: [SUBJECT_ALT_NAME] }, NOW));
}

/** Those above the leaf by name: a node sends its own path, not a library of them. */
function related(leaf: Certificate, authorities: readonly Certificate[]): Uint8Array[] {
  const chosen = new Map<string, Uint8Array>();
  let above: readonly Certificate[] = [leaf];
  for (let depth = 0; depth < 5; depth++) {
    above = authorities.filter(({ subject }) => above.some(({ issuer }) => Buffer.from(issuer).equals(subject)));
    for (const { digest, raw } of above) chosen.set(digest, raw);
  }
  return [...chosen.values()];
}

async function keylimeCases(folder: string, vendors: readonly Named[]): Promise<SuiteCase[]> {
  const read = (name: string): Promise<Uint8Array> => readBytes(folder, 'keylime/ek-certs', `${name}.der`);
  const filled = await read('st_sha256_with_rsa');
  const rsa = filled.subarray(0, derSize(filled)); // It stands in its NV index, which is larger; see verifyEndorsement.
  const ecc = await read('st_ecdsa_sha256');
  const nuvoton = await read('nuvoton_ecdsa_sha256');
  const eccRoot = vendors.find(({ file }) => file.endsWith('STM_ECC_01RT.pem'))?.der ?? new Uint8Array();
  return [
    { case: 'keylime/ek-certs/st_sha256_with_rsa.der to a pinned vendor', expected: 'accept', got: lead(rsa, vendors, vendorEkRootDigests()) },
    { case: 'keylime/ek-certs/st_sha256_with_rsa.der with nothing pinned', expected: 'certificate-path', got: lead(rsa, vendors, []) },
    // Its GlobalSign ECC root is not among the vectors, so it is not among the pins either.
    { case: 'keylime/ek-certs/st_ecdsa_sha256.der to a pinned vendor', expected: 'certificate-path', got: lead(ecc, vendors, vendorEkRootDigests()) },
    { case: 'keylime/ek-certs/st_ecdsa_sha256.der where an operator pins its maker', expected: 'accept', got: lead(ecc, vendors, [digestOf(eccRoot)]) },
    { case: 'keylime/ek-certs/nuvoton_ecdsa_sha256.der to a pinned vendor', expected: 'accept', got: lead(nuvoton, vendors, vendorEkRootDigests()) },
  ];
}

async function googleCases(folder: string, google: readonly Named[]): Promise<SuiteCase[]> {
  const leaves = await readAll(folder, 'go-tpm-tools/certificates');
  const roots = google.map(({ der }) => parseCertificate(der)).filter(sameName).map(({ digest }) => digest);
  return leaves.flatMap(({ file, der }) => [
    { case: `${file} to Google's root`, expected: 'accept', got: lead(der, google, roots) },
    { case: `${file} under the vendors that are pinned`, expected: 'certificate-path', got: lead(der, google, vendorEkRootDigests()) },
  ]);
}
