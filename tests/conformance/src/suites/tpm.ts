import type { Suite } from '../suite.js';
import { tpmCertificatesSuite } from './tpm-certificates.js';
import { tpmNodeSuite } from './tpm-node.js';
import { goTpmToolsSuite, keylimeSuite, otherPeersSuite } from './tpm-peers.js';
import { tpmSecretsSuite } from './tpm-secrets.js';

/**
 * Everything about TPMs. Not run, since nothing here reads them yet: boot logs and IMA lists (replay), platform attribute certificates,
 * IDevID chains, Keylime's push-model messages.
 */
export const tpmSuites: readonly Suite[] = [tpmNodeSuite, keylimeSuite, goTpmToolsSuite, otherPeersSuite, tpmSecretsSuite, tpmCertificatesSuite];
