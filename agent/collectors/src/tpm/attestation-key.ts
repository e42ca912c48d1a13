import { CollectorError, TpmCommandError } from '../errors.js';
import type { Tpm } from './command.js';
import { TPM_ALG, TPM_RH } from './constants.js';
import type { EndorsementAuths } from './endorsement-key.js';
import { ATTESTATION_KEY_ATTRIBUTES, attestationKeyTemplate } from './key-templates.js';
import { evictControl, readPublic, withPrimaryKey } from './keys.js';
import type { PublicArea } from './public-area.js';

/** Where the attestation key lives. In the owner's range of persistent handles. */
export const ATTESTATION_KEY_HANDLE = 0x81010002;
const LABEL = 'strongroom/attestation-key/v1';

/**
 * Finds our attestation key at its persistent handle, or makes it there, where it outlives restarts.
 *
 * It is a primary key of the endorsement hierarchy, for two reasons. Quotes by keys of the owner's hierarchy have their
 * reset count, restart count and firmware version blinded (Part 2, TPMS_ATTEST). And it is derived from the TPM's own seed, so
 * that a TPM which was cleared gives the same key again: the same machine stays the same node, as its endorsement key does.
 *
 * @throws CollectorError `ak-handle-occupied` when something else lives there; it is left untouched.
 */
export async function ensureAttestationKey(tpm: Tpm, handle: number, { ownerAuth, endorsementAuth }: EndorsementAuths): Promise<PublicArea> {
  const found = await find(tpm, handle);
  if (found !== undefined) return requireAttestationKey(found, handle);
  const primary = { hierarchy: TPM_RH.ENDORSEMENT, hierarchyAuth: endorsementAuth, template: attestationKeyTemplate(LABEL) };
  await withPrimaryKey(tpm, primary, (transient) => evictControl(tpm, { hierarchy: TPM_RH.OWNER, auth: ownerAuth }, transient, handle));
  return requireAttestationKey(await readPublic(tpm, handle), handle);
}

async function find(tpm: Tpm, handle: number): Promise<PublicArea | undefined> {
  try {
    return await readPublic(tpm, handle);
  } catch (error) {
    if (error instanceof TpmCommandError && error.rcName === 'TPM_RC_HANDLE') return undefined;
    throw error;
  }
}

/** A key that signs anything, or that could live elsewhere, would make every quote worthless. */
function requireAttestationKey(area: PublicArea, handle: number): PublicArea {
  const right =
    area.attributes === ATTESTATION_KEY_ATTRIBUTES &&
    area.key.type === 'ecc' &&
    area.key.curve === 'P-256' &&
    area.nameAlgorithm === TPM_ALG.SHA256 &&
    area.scheme === TPM_ALG.ECDSA &&
    area.schemeHash === TPM_ALG.SHA256 &&
    area.authPolicy.length === 0;
  if (!right) {
    const name = `0x${handle.toString(16)}`;
    throw new CollectorError('ak-handle-occupied', `the TPM's persistent handle ${name} holds another key; remove it (tpm2_evictcontrol -c ${name}) or configure another handle`);
  }
  return area;
}
