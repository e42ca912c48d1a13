import { CollectorError } from '../errors.js';
import { malformed, TpmReader, TpmWriter } from './bytes.js';
import { handlesBetween } from './capability.js';
import { passwordAuthorization } from './command.js';
import type { Tpm } from './command.js';
import { TPM_ALG, TPM_RH, TPMA_NV } from './constants.js';

export interface NvPublic {
  readonly index: number;
  readonly attributes: number;
  readonly sizeBytes: number;
}

const NOTHING = new Uint8Array(0);
/** Every PC Client TPM gives this much at once. */
const CHUNK_BYTES = 512;
const COUNTER_BYTES = 8;

/** TPM2_NV_ReadPublic. @throws TpmCommandError `TPM_RC_HANDLE` where nothing is defined. */
export async function nvReadPublic(tpm: Tpm, index: number): Promise<NvPublic> {
  const { parameters } = await tpm.execute({ name: 'NV_ReadPublic', handles: [index] });
  const reader = new TpmReader(parameters.sized(256));
  parameters.sized(68); // name
  parameters.end();
  if (reader.u32() !== index) throw malformed('another NV index than the one asked for');
  reader.u16(); // name algorithm
  const attributes = reader.u32();
  reader.sized(64); // policy
  const sizeBytes = reader.u16();
  reader.end();
  return { index, attributes, sizeBytes };
}

/**
 * Reads a whole NV index, in pieces, by its own empty password where it allows that, else by the owner.
 *
 * @throws CollectorError `tpm-response-malformed` when it is larger than `maxBytes`, before anything is read.
 */
export async function nvRead(tpm: Tpm, index: number, options: { readonly maxBytes: number; readonly ownerAuth?: Uint8Array }): Promise<Uint8Array> {
  const { attributes, sizeBytes } = await nvReadPublic(tpm, index);
  if (sizeBytes > options.maxBytes) throw malformed(`an NV index of ${sizeBytes} bytes`);
  const byIndex = (attributes & TPMA_NV.AUTHREAD) !== 0;
  const handles = [byIndex ? index : TPM_RH.OWNER, index];
  const authorizations = [passwordAuthorization(byIndex ? NOTHING : options.ownerAuth)];
  const contents = new Uint8Array(sizeBytes);
  for (let offset = 0; offset < sizeBytes; offset += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, sizeBytes - offset);
    const { parameters } = await tpm.execute({ name: 'NV_Read', handles, authorizations, parameters: new TpmWriter().u16(length).u16(offset).finish() });
    const piece = parameters.sized(CHUNK_BYTES);
    parameters.end();
    if (piece.length !== length) throw malformed('another number of NV bytes than asked for');
    contents.set(piece, offset);
  }
  return contents;
}

/**
 * A monotonic counter in the TPM: survives restarts, only goes up, and when undefined and defined anew it starts above
 * every counter the TPM ever had. It is not protected from the platform's owner undefining it.
 */
export class NvCounter {
  constructor(
    private readonly tpm: Tpm,
    /** In the owner's range, 0x01800000 to 0x01bfffff. */
    private readonly index: number,
    private readonly ownerAuth: Uint8Array = NOTHING,
  ) {
    if (!Number.isInteger(index) || index < 0x01800000 || index > 0x01bfffff) throw new RangeError('an owner NV index is 0x01800000 to 0x01bfffff');
  }

  /** Defines the counter and gives it its first value, unless it stands already. @throws CollectorError `nv-index-occupied` */
  async ensureDefined(): Promise<void> {
    const found = await this.#find();
    if (found === undefined) await this.#define();
    else if ((found.attributes & 0xf0) !== TPMA_NV.TPM_NT_COUNTER || found.sizeBytes !== COUNTER_BYTES) {
      throw new CollectorError('nv-index-occupied', `NV index 0x${this.index.toString(16)} is in use and is no counter; configure another`);
    }
    if (found === undefined || (found.attributes & TPMA_NV.WRITTEN) === 0) await this.increment();
  }

  /** Adds one, durably: when this returns, no later read gives a smaller value. */
  async increment(): Promise<void> {
    const authorizations = [passwordAuthorization(this.ownerAuth)];
    const { parameters } = await this.tpm.execute({ name: 'NV_Increment', handles: [TPM_RH.OWNER, this.index], authorizations });
    parameters.end();
  }

  async read(): Promise<bigint> {
    return new TpmReader(await nvRead(this.tpm, this.index, { maxBytes: COUNTER_BYTES, ownerAuth: this.ownerAuth })).u64();
  }

  async #find(): Promise<NvPublic | undefined> {
    return (await handlesBetween(this.tpm, this.index, this.index)).length === 0 ? undefined : nvReadPublic(this.tpm, this.index);
  }

  async #define(): Promise<void> {
    const attributes = TPMA_NV.TPM_NT_COUNTER | TPMA_NV.OWNERREAD | TPMA_NV.OWNERWRITE | TPMA_NV.NO_DA;
    const nvPublic = new TpmWriter().u32(this.index).u16(TPM_ALG.SHA256).u32(attributes).u16(0).u16(COUNTER_BYTES).finish();
    const parameters = new TpmWriter().u16(0).sized(nvPublic).finish();
    const authorizations = [passwordAuthorization(this.ownerAuth)];
    const response = await this.tpm.execute({ name: 'NV_DefineSpace', handles: [TPM_RH.OWNER], authorizations, parameters });
    response.parameters.end();
  }
}
