import { describe, expect, it } from '@jest/globals';
import { decodeResponseCode } from './response-code.js';

describe('decodeResponseCode', () => {
  it.each([
    [0x000, 'TPM_RC_UNKNOWN', ''],
    [0x01e, 'TPM_RC_BAD_TAG', ''],
    [0x100, 'TPM_RC_INITIALIZE', ''],
    [0x101, 'TPM_RC_FAILURE', ''],
    [0x125, 'TPM_RC_AUTH_MISSING', ''],
    [0x14a, 'TPM_RC_NV_UNINITIALIZED', ''],
    [0x902, 'TPM_RC_OBJECT_MEMORY', ''],
    [0x918, 'TPM_RC_REFERENCE_S0', ''],
    [0x921, 'TPM_RC_LOCKOUT', ''],
    [0x922, 'TPM_RC_RETRY', ''],
    [0x1df, 'TPM_RC_INTEGRITY', 'parameter 1'],
    [0x2d2, 'TPM_RC_SCHEME', 'parameter 2'],
    [0x18b, 'TPM_RC_HANDLE', 'handle 1'],
    [0x98e, 'TPM_RC_AUTH_FAIL', 'session 1'],
    [0x99d, 'TPM_RC_POLICY_FAIL', 'session 1'],
    [0x084, 'TPM_RC_VALUE', ''],
    [0x0b0143, 'TPM_RC_COMMAND_CODE', ''],
    [0xffff, 'TPM_RC_UNKNOWN', 'parameter 15'],
  ])('names 0x%s', (code, rcName, position) => {
    expect(decodeResponseCode(code)).toEqual({ rcName, position });
  });
});
