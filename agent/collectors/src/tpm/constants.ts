/** Values of TPM 2.0 Library, Part 2, as used here; names are the standard's. */
export const TPM_ST = { NO_SESSIONS: 0x8001, SESSIONS: 0x8002, ATTEST_QUOTE: 0x8018 } as const;

export const TPM_CC = {
  EvictControl: 0x120,
  NV_DefineSpace: 0x12a,
  CreatePrimary: 0x131,
  NV_Increment: 0x134,
  Shutdown: 0x145,
  ActivateCredential: 0x147,
  NV_Read: 0x14e,
  PolicySecret: 0x151,
  Quote: 0x158,
  FlushContext: 0x165,
  NV_ReadPublic: 0x169,
  ReadPublic: 0x173,
  StartAuthSession: 0x176,
  GetCapability: 0x17a,
  GetRandom: 0x17b,
  PCR_Read: 0x17e,
  PCR_Extend: 0x182,
} as const;

export type TpmCommandName = keyof typeof TPM_CC;

export const TPM_RH = { OWNER: 0x40000001, NULL: 0x40000007, PW: 0x40000009, ENDORSEMENT: 0x4000000b } as const;

export const TPM_CAP = { HANDLES: 1, PCRS: 5, TPM_PROPERTIES: 6 } as const;

export const TPM_ALG = {
  RSA: 0x0001,
  SHA1: 0x0004,
  AES: 0x0006,
  SHA256: 0x000b,
  SHA384: 0x000c,
  SHA512: 0x000d,
  NULL: 0x0010,
  ECDSA: 0x0018,
  ECC: 0x0023,
  CFB: 0x0043,
} as const;

export const TPM_ECC_CURVE = { P256: 0x0003, P384: 0x0004 } as const;

/** TPMA_OBJECT bits. */
export const TPMA_OBJECT = {
  fixedTPM: 0x2,
  stClear: 0x4,
  fixedParent: 0x10,
  sensitiveDataOrigin: 0x20,
  userWithAuth: 0x40,
  adminWithPolicy: 0x80,
  noDA: 0x400,
  restricted: 0x10000,
  decrypt: 0x20000,
  sign: 0x40000,
} as const;

/** TPMA_NV bits. */
export const TPMA_NV = {
  OWNERWRITE: 0x2,
  TPM_NT_COUNTER: 0x10,
  OWNERREAD: 0x20000,
  NO_DA: 0x2000000,
  WRITTEN: 0x20000000,
  PPREAD: 0x10000,
  AUTHREAD: 0x40000,
} as const;

/** What a TPM takes and gives at most (TPM_PT_MAX_COMMAND_SIZE and TPM_PT_MAX_RESPONSE_SIZE of the PC Client profile, and of the kernel's buffer). */
export const MAX_MESSAGE_BYTES = 4096;
