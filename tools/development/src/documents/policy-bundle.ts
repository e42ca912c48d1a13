import { canonicalDigest, digestOf } from '@strongroom/attestation-encoding';
import { loadBuiltBundle, policyDigestOf } from '@strongroom/policies-engine';

/** The bundle that lies in this checkout, as digests. */
export interface BundleDigests {
  readonly wasm_digest: string;
  readonly data_digest: string;
  readonly schema_digest: string;
}

export function bundleDigests(): BundleDigests {
  const { wasm, data, schemas } = loadBuiltBundle('development');
  return { wasm_digest: digestOf(wasm), data_digest: canonicalDigest(data), schema_digest: canonicalDigest(schemas) };
}

/** Tells one bundle from another, whatever revision it is given. */
export function bundleContent(): string {
  return canonicalDigest(bundleDigests());
}

export function bundleDigest(revision: number): string {
  return policyDigestOf({ ...loadBuiltBundle('development'), revision });
}
