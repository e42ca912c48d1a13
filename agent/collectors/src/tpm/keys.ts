import { malformed, TpmWriter } from './bytes.js';
import type { TpmReader } from './bytes.js';
import { passwordAuthorization } from './command.js';
import type { Tpm } from './command.js';
import { nameOf, parsePublicArea } from './public-area.js';
import type { PublicArea } from './public-area.js';

const MAX_PUBLIC_BYTES = 1024;
const MAX_NAME_BYTES = 68;

/**
 * Makes the primary key a template gives in this TPM, lends its handle to `use` and frees the slot again whatever
 * happens: a TPM without resource manager has three.
 */
export async function withPrimaryKey<T>(
  tpm: Tpm,
  primary: { readonly hierarchy: number; readonly hierarchyAuth: Uint8Array; readonly template: Uint8Array },
  use: (handle: number, area: PublicArea) => Promise<T>,
): Promise<T> {
  const noAuthNoData = new TpmWriter().u16(0).u16(0).finish();
  const parameters = new TpmWriter().sized(noAuthNoData).sized(primary.template).u16(0).u32(0).finish();
  const authorizations = [passwordAuthorization(primary.hierarchyAuth)];
  const response = await tpm.execute({ name: 'CreatePrimary', handles: [primary.hierarchy], authorizations, parameters, givesHandle: true });
  return withContext(tpm, response.handle, () => use(response.handle, readCreated(response.parameters)));
}

function readCreated(reader: TpmReader): PublicArea {
  const area = parsePublicArea(reader.sized(MAX_PUBLIC_BYTES));
  reader.sized(1024); // creation data
  reader.sized(64); // its hash
  reader.bytes(6); // creation ticket: tag and hierarchy
  reader.sized(64);
  requireName(area, reader.sized(MAX_NAME_BYTES));
  reader.end();
  return area;
}

/** TPM2_ReadPublic; the name is computed again, not believed. */
export async function readPublic(tpm: Tpm, handle: number): Promise<PublicArea> {
  const { parameters } = await tpm.execute({ name: 'ReadPublic', handles: [handle] });
  const area = parsePublicArea(parameters.sized(MAX_PUBLIC_BYTES));
  requireName(area, parameters.sized(MAX_NAME_BYTES));
  parameters.sized(MAX_NAME_BYTES); // qualified name
  parameters.end();
  return area;
}

function requireName(area: PublicArea, name: Uint8Array): void {
  if (Buffer.from(name).toString('hex') !== nameOf(area)) throw malformed('a name that is not its key’s');
}

/** TPM2_EvictControl by the owner: makes a loaded key stay at `persistent` across restarts, or, given a persistent one, ends it. */
export async function evictControl(tpm: Tpm, owner: { readonly hierarchy: number; readonly auth: Uint8Array }, object: number, persistent: number): Promise<void> {
  const parameters = new TpmWriter().u32(persistent).finish();
  const authorizations = [passwordAuthorization(owner.auth)];
  const response = await tpm.execute({ name: 'EvictControl', handles: [owner.hierarchy, object], authorizations, parameters });
  response.parameters.end();
}

/** Runs `use` and then frees a transient object or session. A failure of `use` outranks a failure to free. */
export async function withContext<T>(tpm: Tpm, handle: number, use: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await use();
  } catch (error) {
    await flushContext(tpm, handle).catch(() => undefined);
    throw error;
  }
  await flushContext(tpm, handle);
  return result;
}

/** TPM2_FlushContext. */
export async function flushContext(tpm: Tpm, handle: number): Promise<void> {
  const { parameters } = await tpm.execute({ name: 'FlushContext', parameters: new TpmWriter().u32(handle).finish() });
  parameters.end();
}
