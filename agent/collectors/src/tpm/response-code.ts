/** Format-zero codes, bit 8 set (VER1). */
const VER1: Readonly<Record<number, string>> = {
  0x00: 'INITIALIZE', 0x01: 'FAILURE', 0x03: 'SEQUENCE', 0x0b: 'PRIVATE', 0x19: 'HMAC', 0x20: 'DISABLED', 0x21: 'EXCLUSIVE',
  0x24: 'AUTH_TYPE', 0x25: 'AUTH_MISSING', 0x26: 'POLICY', 0x27: 'PCR', 0x28: 'PCR_CHANGED', 0x2d: 'UPGRADE',
  0x2e: 'TOO_MANY_CONTEXTS', 0x2f: 'AUTH_UNAVAILABLE', 0x30: 'REBOOT', 0x31: 'UNBALANCED', 0x42: 'COMMAND_SIZE',
  0x43: 'COMMAND_CODE', 0x44: 'AUTHSIZE', 0x45: 'AUTH_CONTEXT', 0x46: 'NV_RANGE', 0x47: 'NV_SIZE', 0x48: 'NV_LOCKED',
  0x49: 'NV_AUTHORIZATION', 0x4a: 'NV_UNINITIALIZED', 0x4b: 'NV_SPACE', 0x4c: 'NV_DEFINED', 0x50: 'BAD_CONTEXT',
  0x51: 'CPHASH', 0x52: 'PARENT', 0x53: 'NEEDS_TEST', 0x54: 'NO_RESULT', 0x55: 'SENSITIVE',
};

/** Format-zero warnings, bit 11 set too. */
const WARN: Readonly<Record<number, string>> = {
  0x01: 'CONTEXT_GAP', 0x02: 'OBJECT_MEMORY', 0x03: 'SESSION_MEMORY', 0x04: 'MEMORY', 0x05: 'SESSION_HANDLES',
  0x06: 'OBJECT_HANDLES', 0x07: 'LOCALITY', 0x08: 'YIELDED', 0x09: 'CANCELED', 0x0a: 'TESTING', 0x20: 'NV_RATE',
  0x21: 'LOCKOUT', 0x22: 'RETRY', 0x23: 'NV_UNAVAILABLE',
  ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6].flatMap((n) => [[0x10 + n, `REFERENCE_H${n}`], [0x18 + n, `REFERENCE_S${n}`]])),
};

/** Format-one codes, bit 7 set: about a parameter, handle or session. */
const FMT1: Readonly<Record<number, string>> = {
  0x01: 'ASYMMETRIC', 0x02: 'ATTRIBUTES', 0x03: 'HASH', 0x04: 'VALUE', 0x05: 'HIERARCHY', 0x07: 'KEY_SIZE', 0x08: 'MGF',
  0x09: 'MODE', 0x0a: 'TYPE', 0x0b: 'HANDLE', 0x0c: 'KDF', 0x0d: 'RANGE', 0x0e: 'AUTH_FAIL', 0x0f: 'NONCE', 0x10: 'PP',
  0x12: 'SCHEME', 0x15: 'SIZE', 0x16: 'SYMMETRIC', 0x17: 'TAG', 0x18: 'SELECTOR', 0x1a: 'INSUFFICIENT', 0x1b: 'SIGNATURE',
  0x1c: 'KEY', 0x1d: 'POLICY_FAIL', 0x1f: 'INTEGRITY', 0x20: 'TICKET', 0x21: 'RESERVED_BITS', 0x22: 'BAD_AUTH',
  0x23: 'EXPIRED', 0x24: 'POLICY_CC', 0x25: 'BINDING', 0x26: 'CURVE', 0x27: 'ECC_POINT',
};

/** A response code taken apart. */
export interface TpmResponseCode {
  /** Such as `TPM_RC_INTEGRITY`, or `TPM_RC_UNKNOWN`. */
  readonly rcName: string;
  /** Such as `parameter 1`, `handle 2`, `session 1`; empty for codes about the whole command. */
  readonly position: string;
}

/** Names a response code other than success. See TPM 2.0 Library, Part 2, "TPM_RC (Response Codes)". */
export function decodeResponseCode(code: number): TpmResponseCode {
  // The upper half is the software layer that answered (the kernel's resource manager uses 0x000b0000).
  const rc = code & 0xffff;
  if ((rc & 0x80) !== 0) return { rcName: name(FMT1[rc & 0x3f]), position: position(rc) };
  if ((rc & 0x900) === 0x900) return { rcName: name(WARN[rc & 0x7f]), position: '' };
  if ((rc & 0x100) !== 0) return { rcName: name(VER1[rc & 0x7f]), position: '' };
  return { rcName: rc === 0x1e ? 'TPM_RC_BAD_TAG' : 'TPM_RC_UNKNOWN', position: '' };
}

function name(suffix: string | undefined): string {
  return suffix === undefined ? 'TPM_RC_UNKNOWN' : `TPM_RC_${suffix}`;
}

function position(rc: number): string {
  const number = (rc >> 8) & 0xf;
  if ((rc & 0x40) !== 0) return number === 0 ? '' : `parameter ${number}`;
  if ((number & 0x8) !== 0) return `session ${number & 0x7}`;
  return number === 0 ? '' : `handle ${number}`;
}
