import { isSignedBy, OID, parseCertificate, type Certificate } from './certificate.js';
import { isDigest, type Digest } from './digest.js';
import { EncodingError } from './errors.js';

/** A path found to hold: leaf first, pinned root last. */
export interface VerifiedPath {
  readonly path: readonly [Certificate, ...Certificate[]];
  readonly rootDigest: Digest;
}

export interface CertificatePathInput {
  /** DER certificates. Who sends them is of no matter: trust comes from `trustedRootDigests` alone. */
  readonly leaf: Uint8Array;
  readonly intermediates: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
  /** `sha256:<hex>` over the DER of each trusted root. Empty: refused. */
  readonly trustedRootDigests: readonly string[];
  /** Critical extensions of the *leaf* that the caller itself judges or knowingly tolerates, by OID. */
  readonly tolerated?: readonly string[];
}

const MAX_CERTIFICATES = 24;
const MAX_DEPTH = 6;
const MAX_SIGNATURES = 64;
const KEY_CERT_SIGN = 5;
/** Policies are read as "any policy", the initial value of RFC 5280 section 6.1.1. */
const UNDERSTOOD = new Set<string>([OID.basicConstraints, OID.keyUsage, OID.extendedKeyUsage, OID.certificatePolicies]);

/**
 * Finds and verifies a path (RFC 5280 section 6.1) from `leaf` to a root whose fingerprint is pinned: names chain byte for byte,
 * every signature holds, every certificate (root included) is inside its dates at `now`, issuers are CAs allowed to sign certificates, path
 * lengths are kept, no critical extension is ignored.
 * NOT checked: revocation, name constraints (a critical one refuses the path), what the leaf's key is for.
 *
 * @throws EncodingError `certificate-malformed` | `certificate-path`
 */
export function verifyCertificatePath(input: CertificatePathInput, now: Date): VerifiedPath {
  if (input.trustedRootDigests.length === 0 || !input.trustedRootDigests.every(isDigest)) throw refused('no trusted root is pinned');
  if (Number.isNaN(now.getTime())) throw refused('the instant to judge at is absent');
  if (input.intermediates.length + input.roots.length > MAX_CERTIFICATES) throw refused(`more than ${MAX_CERTIFICATES} certificates`);
  const pinned = new Set(input.trustedRootDigests);
  const search: Search = {
    roots: input.roots.map(parseCertificate).filter((root) => pinned.has(root.digest)),
    intermediates: input.intermediates.map(parseCertificate),
    now,
    signaturesLeft: MAX_SIGNATURES,
  };
  const leaf = parseCertificate(input.leaf);
  if (!isCurrent(leaf, now)) throw refused('the leaf is outside its dates');
  if (!understands(leaf, new Set([...UNDERSTOOD, ...(input.tolerated ?? [])]))) throw refused('the leaf has a critical extension that is not understood');
  const issuers = findIssuers(leaf, 0, search);
  const root = issuers?.at(-1);
  if (issuers === null || root === undefined) throw refused('no path to a pinned root');
  return { path: [leaf, ...issuers], rootDigest: root.digest };
}

interface Search {
  readonly roots: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  readonly now: Date;
  signaturesLeft: number;
}

/** Depth first, roots before intermediates, bounded in depth and in signatures tried. `below` counts the intermediates under the issuer. */
function findIssuers(child: Certificate, below: number, search: Search): Certificate[] | null {
  for (const root of search.roots) {
    if (issued(root, child, below, search)) return [root];
  }
  if (below + 2 >= MAX_DEPTH) return null;
  for (const issuer of search.intermediates) {
    if (!issued(issuer, child, below, search)) continue;
    const above = findIssuers(issuer, below + 1, search);
    if (above !== null) return [issuer, ...above];
  }
  return null;
}

function issued(issuer: Certificate, child: Certificate, below: number, search: Search): boolean {
  if (!Buffer.from(issuer.subject).equals(child.issuer)) return false;
  const constraints = issuer.basicConstraints;
  if (constraints?.ca !== true || (constraints.pathLength !== null && below > constraints.pathLength)) return false;
  if (issuer.keyUsage !== null && !issuer.keyUsage.has(KEY_CERT_SIGN)) return false;
  if (!isCurrent(issuer, search.now) || !understands(issuer, UNDERSTOOD)) return false;
  if (search.signaturesLeft-- <= 0) throw refused(`more than ${MAX_SIGNATURES} signatures to try`);
  return isSignedBy(child, issuer);
}

function isCurrent(certificate: Certificate, now: Date): boolean {
  return certificate.notBefore <= now && now <= certificate.notAfter;
}

function understands(certificate: Certificate, understood: ReadonlySet<string>): boolean {
  return certificate.criticalExtensions.every((oid) => understood.has(oid));
}

function refused(message: string): EncodingError {
  return new EncodingError('certificate-path', message);
}
