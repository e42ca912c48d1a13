import { randomBytes } from 'node:crypto';
import type { ActivationChallenge } from '../collector.js';
import { CollectorError, TpmCommandError } from '../errors.js';
import { TpmReader, TpmWriter } from './bytes.js';
import { passwordAuthorization, policyAuthorization } from './command.js';
import type { Tpm } from './command.js';
import { TPM_ALG, TPM_RH } from './constants.js';
import { withContext, withPrimaryKey } from './keys.js';
import type { EndorsementKeyProfile } from './key-templates.js';

/** An RSA-4096 key's secret is the largest. */
const MAX_PART_BYTES = 512;

/**
 * TPM2_ActivateCredential: gives the secret only where the endorsement key and the attestation key of the challenge live
 * in this same TPM. The caller zeroes the secret after use.
 *
 * @param challenge as TPM2_MakeCredential gives it: a TPM2B_ID_OBJECT and a TPM2B_ENCRYPTED_SECRET, sizes included.
 * @throws CollectorError `credential-refused` when the challenge is for another key or was altered.
 */
export async function activateCredential(
  tpm: Tpm,
  keys: { readonly attestationKey: number; readonly endorsement: EndorsementKeyProfile; readonly endorsementAuth: Uint8Array },
  challenge: ActivationChallenge,
): Promise<Uint8Array> {
  const { endorsement, endorsementAuth } = keys;
  const parameters = new TpmWriter().bytes(requireSized(challenge.credentialBlob)).bytes(requireSized(challenge.encryptedSecret)).finish();
  const primary = { hierarchy: TPM_RH.ENDORSEMENT, hierarchyAuth: endorsementAuth, template: endorsement.template };
  const open = async (handle: number, session?: number): Promise<Uint8Array> => {
    const forEndorsementKey = session === undefined ? passwordAuthorization() : policyAuthorization(session);
    const authorizations = [passwordAuthorization(), forEndorsementKey];
    const response = await tpm.execute({ name: 'ActivateCredential', handles: [keys.attestationKey, handle], authorizations, parameters });
    const secret = response.parameters.sized(64);
    response.parameters.end();
    return secret;
  };
  return withPrimaryKey(tpm, primary, (handle) =>
    endorsement.authorization === 'password' ? open(handle) : withEndorsementPolicy(tpm, endorsementAuth, (session) => open(handle, session)),
  ).catch((error: unknown) => {
    throw isRefusal(error) ? new CollectorError('credential-refused', 'the credential is not for this TPM and this attestation key', { cause: error }) : error;
  });
}

/** Both parts come from the network: their sizes must be theirs before they are put side by side into a command. */
function requireSized(part: Uint8Array): Uint8Array {
  try {
    const reader = new TpmReader(part);
    reader.sized(MAX_PART_BYTES);
    reader.end();
    return part;
  } catch (cause) {
    throw new CollectorError('credential-refused', 'a part of the credential is not of the size it says', { cause });
  }
}

/**
 * Which code a TPM gives for a wrong credential depends on where it notices. Nearly all are about one of the two parameters;
 * libtpms gives TPM_RC_FAILURE for RSA padding that does not open, and works on (a TPM that really failed would already
 * have refused to make the endorsement key).
 */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof TpmCommandError) || error.command !== 'TPM2_ActivateCredential') return false;
  return error.position.startsWith('parameter') || error.rcName === 'TPM_RC_FAILURE';
}

/** A policy session that satisfies the endorsement keys' PolicyA (PolicySecret of the endorsement hierarchy), freed afterwards. */
async function withEndorsementPolicy<T>(tpm: Tpm, endorsementAuth: Uint8Array, use: (session: number) => Promise<T>): Promise<T> {
  const POLICY_SESSION = 0x01;
  const start = new TpmWriter().sized(randomBytes(16)).u16(0).u8(POLICY_SESSION).u16(TPM_ALG.NULL).u16(TPM_ALG.SHA256).finish();
  const session = await tpm.execute({ name: 'StartAuthSession', handles: [TPM_RH.NULL, TPM_RH.NULL], parameters: start, givesHandle: true });
  return withContext(tpm, session.handle, async () => {
    session.parameters.sized(64); // the TPM's nonce: of use to sessions with an HMAC only
    session.parameters.end();
    const parameters = new TpmWriter().u16(0).u16(0).u16(0).u32(0).finish();
    const authorizations = [passwordAuthorization(endorsementAuth)];
    await tpm.execute({ name: 'PolicySecret', handles: [TPM_RH.ENDORSEMENT, session.handle], authorizations, parameters });
    return use(session.handle);
  });
}
