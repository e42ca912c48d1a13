export { FakeAttestationKey } from './fake-attestation-key.js';
export type { AttestKnobs, FakeKeyKind, FakeKeyOptions } from './fake-attestation-key.js';
export { FakeEndorsementAuthority } from './fake-endorsement-ca.js';
export type { AuthorityKnobs, CertificateKnobs } from './fake-endorsement-ca.js';
export { FakeEndorsementKey } from './fake-endorsement-key.js';
export type { FakeEndorsementKind, FakeEndorsementOptions } from './fake-endorsement-key.js';
export { FakeSoftwareAttester } from './fake-software-attester.js';
export { ATTRIBUTES, objectName, pcrSelection } from './tpm-structures.js';
export type { AttributeName, FakeBank } from './tpm-structures.js';
