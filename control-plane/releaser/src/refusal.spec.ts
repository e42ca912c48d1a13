import { describe, expect, it } from '@jest/globals';
import { ContractError, RELEASER_REFUSALS } from '@strongroom/control-plane-contract';
import { ReleaserError } from './errors.js';
import { refusalOf, statusOf } from './refusal.js';

describe('what a caller is told', () => {
  it.each(RELEASER_REFUSALS)('%s has a status, and is told as it is', (code) => {
    expect(refusalOf(new ReleaserError(code, 'because'))).toEqual({ code, message: 'because' });
    expect([400, 403, 404, 409, 429, 503]).toContain(statusOf(code));
  });

  it("passes a statement's own code on", () => {
    expect(refusalOf(new ContractError('quorum-incomplete', 'one is missing'))).toEqual({ code: 'quorum-incomplete', message: 'one is missing' });
  });

  it.each<[string, unknown]>([
    ['a fault of the program', new ReleaserError('key-refused', 'inner words')],
    ['a fault at start', new ReleaserError('start-refused', 'inner words')],
    ['a driver error', Object.assign(new Error('inner words: password'), { code: '28P01' })],
    ['an unknown class', Object.assign(new Error('inner words'), { name: 'OtherError', code: 'x' })],
    ['a text', 'inner words'],
    ['nothing', undefined],
  ])('%s is told as unavailability and nothing more', (_, error) => {
    const refusal = refusalOf(error);
    expect(refusal.code).toBe('releaser-unavailable');
    expect(refusal.message).not.toContain('inner words');
    expect(statusOf(refusal.code)).toBe(503);
  });
});
