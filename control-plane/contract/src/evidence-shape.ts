import { z } from 'zod';
import { bytes } from './scalars.js';

const pcrBank = z.strictObject({
  bank: z.enum(['sha1', 'sha256', 'sha384', 'sha512']),
  values: z.record(z.string().regex(/^([0-9]|1[0-9]|2[0-3])$/), z.string().regex(/^[0-9a-f]{40,128}$/)),
});

/** Evidence on the wire: shape and bounds only; nothing is proven. */
export const evidenceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tpm2'), attest: bytes(1, 4096), signature: bytes(1, 1024), ak_public: bytes(1, 1024), pcrs: z.array(pcrBank).min(1).max(4) }),
  z.strictObject({ kind: z.literal('software'), statement: bytes(2, 8192), signature: bytes(64, 64), public_key: bytes(80, 120) }),
]);

/** Who a node says it is, before activation proves it. */
export const endorsementSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('tpm2'),
    ek_certificate: bytes(64, 8192),
    ek_public: bytes(8, 2048),
    chain: z.array(bytes(64, 8192)).max(8),
    ak_public: bytes(8, 2048),
  }),
  z.strictObject({ kind: z.literal('software'), ak_public: bytes(80, 120) }),
]);
export type Endorsement = z.infer<typeof endorsementSchema>;
