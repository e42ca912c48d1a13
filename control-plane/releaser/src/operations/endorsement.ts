import { timingSafeEqual } from 'node:crypto';
import { digestOf, fromBase64url } from '@strongroom/attestation-encoding';
import { sealSoftwareCredential, softwareKeyName } from '@strongroom/attestation-software';
import { makeCredential, parseAttestationKey, tpmName, vendorEkRootDigests, verifyEndorsement } from '@strongroom/attestation-tpm2';
import type { Endorsement, NodeRegistration } from '@strongroom/control-plane-contract';
import { ReleaserError } from '../errors.js';

/** A machine shown to be the registered one, as far as its maker's word goes; that it answers us is still to be proven. */
export interface EndorsedMachine {
  readonly akName: string;
  /** Its maker's root is one that ships, so that it is hardware and no simulation. */
  readonly hardware: boolean;
  /** Seals 32 bytes so that only this machine, holding this attestation key, can open them. */
  seal(secret: Uint8Array, random: (size: number) => Uint8Array): { readonly credentialBlob: Uint8Array; readonly encryptedSecret: Uint8Array };
}

const MAX_CERTIFICATE_BYTES = 8192;
const MAX_KEY_BYTES = 2048;

/**
 * Verifies who a node says it is against what two people registered.
 * @throws ReleaserError `node-endorsement`; Tpm2Error
 */
export function verifyMachine(endorsement: Endorsement, registration: NodeRegistration, now: Date): EndorsedMachine {
  if (endorsement.kind !== registration.kind) throw new ReleaserError('node-endorsement', 'the node is registered as another kind of machine');
  return endorsement.kind === 'tpm2' ? verifyTpm(endorsement, registration, now) : verifySoftware(endorsement, registration);
}

function verifyTpm(endorsement: Extract<Endorsement, { kind: 'tpm2' }>, registration: NodeRegistration, now: Date): EndorsedMachine {
  const ekPublic = fromBase64url(endorsement.ek_public, MAX_KEY_BYTES);
  const chain = endorsement.chain.map((certificate) => fromBase64url(certificate, MAX_CERTIFICATE_BYTES));
  const vendorRoots = new Set(vendorEkRootDigests());
  const verified = verifyEndorsement(
    {
      ekCertificate: fromBase64url(endorsement.ek_certificate, MAX_CERTIFICATE_BYTES),
      ekPublic,
      // Who sent a certificate is of no matter: a root counts by its pinned fingerprint alone.
      intermediates: chain,
      roots: chain,
      trustedRootDigests: [...vendorRoots, ...registration.endorsement_roots],
    },
    now,
  );
  requireRegistered(verified.ekDigest, registration);
  const akName = tpmName(parseAttestationKey(fromBase64url(endorsement.ak_public, MAX_KEY_BYTES)));
  return {
    akName,
    hardware: vendorRoots.has(verified.rootDigest),
    seal: (secret, random) => makeCredential({ ekPublic, akName, secret, random }),
  };
}

function verifySoftware(endorsement: Extract<Endorsement, { kind: 'software' }>, registration: NodeRegistration): EndorsedMachine {
  const akPublic = fromBase64url(endorsement.ak_public, 120);
  requireRegistered(digestOf(akPublic), registration);
  const akName = softwareKeyName(akPublic);
  return {
    akName,
    hardware: false,
    seal: (secret) => {
      try {
        return sealSoftwareCredential(akPublic, akName, secret);
      } catch (cause) {
        throw new ReleaserError('node-endorsement', 'the software key is not a P-256 key', { cause });
      }
    },
  };
}

function requireRegistered(digest: string, registration: NodeRegistration): void {
  const [given, registered] = [Buffer.from(digest), Buffer.from(registration.hardware_id)];
  if (given.length !== registered.length || !timingSafeEqual(given, registered)) {
    throw new ReleaserError('node-endorsement', 'this is not the machine that was registered');
  }
}
