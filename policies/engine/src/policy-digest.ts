import { canonicalDigest, digestOf, type Digest } from '@strongroom/attestation-encoding';
import type { PolicySchemas } from './schemas.js';

export interface PolicyIdentity {
  readonly wasm: Uint8Array;
  readonly data: unknown;
  readonly schemas: PolicySchemas;
  /** Counts up with each bundle, from 1. */
  readonly revision: number;
}

/**
 * The digest a policy is known by: SHA-256 of the RFC 8785 form of `{data_digest, revision, schema_digest, wasm_digest}`,
 * where data and schemas (one object, by name) are digested in their RFC 8785 form and the WASM as it is.
 * @throws EncodingError when data or schemas have no canonical form.
 */
export function policyDigestOf({ wasm, data, schemas, revision }: PolicyIdentity): Digest {
  return canonicalDigest({
    data_digest: canonicalDigest(data),
    revision,
    schema_digest: canonicalDigest(schemas),
    wasm_digest: digestOf(wasm),
  });
}
