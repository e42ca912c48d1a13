import { z } from 'zod';

/** Scalars that statements and HTTP shapes share. Every one is bounded. */

export const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256:<64 lowercase hex>');
export const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, 'must be a lowercase UUIDv7');
/** Short name chosen by an operator: tenant, enclave, environment, role. */
export const slug = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lowercase letters, digits, ".", "_" or "-"');
/** RFC 3339 in UTC, to the second. */
export const instant = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/, 'must be RFC 3339 UTC to the second')
  .refine((text) => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().slice(0, 19) === text.slice(0, 19), 'is not a real instant');
/** A count that JSON carries exactly. */
export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const version = z.number().int().min(1).max(2_147_483_647);
export const akName = z.string().regex(/^[0-9a-f]{8,260}$/, 'must be lowercase hex');

/** base64url without padding of between `min` and `max` bytes. */
export function bytes(min: number, max: number) {
  return z
    .string()
    .regex(/^[A-Za-z0-9_-]*$/, 'must be base64url without padding')
    .max(Math.ceil((max * 4) / 3))
    .refine((text) => {
      const decoded = Buffer.from(text, 'base64url');
      return decoded.toString('base64url') === text && decoded.length >= min && decoded.length <= max;
    }, `must be base64url of ${min === max ? String(min) : `${min} to ${max}`} bytes`);
}

/** Well-formed, printable text for people; control characters would let one line pass for two. */
export function text(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(value), 'must be text without control characters');
}

export const dsse = z.strictObject({
  payloadType: z.string().min(1).max(200),
  payload: z.string().regex(/^[A-Za-z0-9_-]+$/).max(6_000_000),
  signatures: z.array(z.strictObject({ keyid: digest, sig: bytes(64, 64) })).min(1).max(32),
});

export const factor = z.enum(['owner', 'security', 'executive']);
export type Factor = z.infer<typeof factor>;
export const action = z.enum(['read_shard']);
export const purpose = z.enum(['inference', 'evaluation', 'fine_tuning', 'interpretability', 'red_teaming', 'incident_response', 'migration']);

export function toInstant(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** Integer epoch seconds of an instant or date, as policy input carries it. */
export function epochSeconds(at: string | Date): number {
  return Math.floor((typeof at === 'string' ? Date.parse(at) : at.getTime()) / 1000);
}
