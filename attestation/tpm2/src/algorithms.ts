/** Algorithm identifiers of the TCG Algorithm Registry, the few that are accepted here. */
export const TPM_ALG = {
  rsa: 0x0001, sha1: 0x0004, aes: 0x0006, keyedHash: 0x0008, sha256: 0x000b, sha384: 0x000c, sha512: 0x000d, null: 0x0010,
  rsassa: 0x0014, rsapss: 0x0016, oaep: 0x0017, ecdsa: 0x0018, ecdh: 0x0019, ecc: 0x0023, cfb: 0x0043,
} as const;

export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';
export type SigningHash = 'sha256' | 'sha384';
export type SigningScheme = 'rsassa' | 'rsapss' | 'ecdsa';
/** What a key that decrypts or agrees may be bound to. Such a key signs nothing. */
export type SecretScheme = 'oaep' | 'ecdh';
export type CurveName = 'P-256' | 'P-384';

const HASHES = new Map<number, HashName>([[TPM_ALG.sha1, 'sha1'], [TPM_ALG.sha256, 'sha256'], [TPM_ALG.sha384, 'sha384'], [TPM_ALG.sha512, 'sha512']]);
const HASH_SIZES: Readonly<Record<HashName, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const SCHEMES = new Map<number, SigningScheme>([[TPM_ALG.rsassa, 'rsassa'], [TPM_ALG.rsapss, 'rsapss'], [TPM_ALG.ecdsa, 'ecdsa']]);
const SECRET_SCHEMES = new Map<number, SecretScheme>([[TPM_ALG.oaep, 'oaep'], [TPM_ALG.ecdh, 'ecdh']]);
/** TPM_ECC_CURVE. */
const CURVES = new Map<number, CurveName>([[0x0003, 'P-256'], [0x0004, 'P-384']]);

export const hashName = (id: number): HashName | undefined => HASHES.get(id);
export const hashSize = (hash: HashName): number => HASH_SIZES[hash];
export const schemeName = (id: number): SigningScheme | undefined => SCHEMES.get(id);
export const secretSchemeName = (id: number): SecretScheme | undefined => SECRET_SCHEMES.get(id);
export const curveName = (id: number): CurveName | undefined => CURVES.get(id);
export const coordinateSize = (curve: CurveName): number => (curve === 'P-256' ? 32 : 48);

/** Signatures over SHA-1 are not evidence of anything any more; SHA-512 is left out until a TPM in use signs with it. */
export function isSigningHash(hash: HashName | undefined): hash is SigningHash {
  return hash === 'sha256' || hash === 'sha384';
}
