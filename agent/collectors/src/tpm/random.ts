import { malformed, TpmWriter } from './bytes.js';
import type { Tpm } from './command.js';

/** TPM2_GetRandom: up to 32 bytes, which every TPM gives at once. */
export async function getRandom(tpm: Tpm, length: number): Promise<Uint8Array> {
  if (!Number.isInteger(length) || length < 1 || length > 32) throw new RangeError('length must be 1 to 32');
  const { parameters } = await tpm.execute({ name: 'GetRandom', parameters: new TpmWriter().u16(length).finish() });
  const bytes = parameters.sized(length);
  parameters.end();
  if (bytes.length !== length) throw malformed('fewer random bytes than asked for');
  return bytes;
}
