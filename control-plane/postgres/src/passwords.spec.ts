import { describe, expect, it } from '@jest/globals';
import { scramVerifier } from './passwords.js';

describe('scramVerifier', () => {
  it('gives the keys of the exchange in RFC 7677, section 3', () => {
    // There the server signs with the ServerKey below; a client that knows the password computes StoredKey from its proof.
    const verifier = scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
    expect(verifier).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });
});
