import { setTimeout as sleep } from 'node:timers/promises';
import { CollectorError, TpmCommandError } from '../errors.js';
import { malformed, TpmReader, TpmWriter } from './bytes.js';
import { MAX_MESSAGE_BYTES, TPM_CC, TPM_RH, TPM_ST } from './constants.js';
import type { TpmCommandName } from './constants.js';
import { decodeResponseCode } from './response-code.js';
import type { TpmTransport } from './transport.js';

/** One authorisation of a command: a password, or a policy session that needs no HMAC. */
export interface TpmAuthorization {
  readonly session: number;
  readonly password: Uint8Array;
}

const EMPTY = new Uint8Array(0);
const CONTINUE_SESSION = 0x01;

export function passwordAuthorization(password: Uint8Array = EMPTY): TpmAuthorization {
  return { session: TPM_RH.PW, password };
}

export function policyAuthorization(session: number): TpmAuthorization {
  return { session, password: EMPTY };
}

export interface TpmCommand {
  readonly name: TpmCommandName;
  readonly handles?: readonly number[];
  /** One for each handle that needs it, in order. Empty: a command without sessions. */
  readonly authorizations?: readonly TpmAuthorization[];
  readonly parameters?: Uint8Array;
  /** True where Part 3 puts a handle into the response. */
  readonly givesHandle?: boolean;
}

/** The checked parts of a success response. The caller reads `parameters` to its end. */
export interface TpmResponse {
  /** 0 unless the command gives one. */
  readonly handle: number;
  readonly parameters: TpmReader;
}

/** See TPM 2.0 Library, Part 1, "Command/Response Structure". */
export function marshalCommand(command: TpmCommand): Uint8Array {
  const authorizations = command.authorizations ?? [];
  const body = new TpmWriter();
  for (const handle of command.handles ?? []) body.u32(handle);
  if (authorizations.length > 0) {
    const area = marshalAuthorizations(authorizations);
    body.u32(area.length).bytes(area);
  }
  const bytes = body.bytes(command.parameters ?? EMPTY).finish();
  const size = bytes.length + 10;
  if (size > MAX_MESSAGE_BYTES) throw new CollectorError('tpm-command-too-large', `TPM2_${command.name} of ${size} bytes`);
  const tag = authorizations.length > 0 ? TPM_ST.SESSIONS : TPM_ST.NO_SESSIONS;
  return new TpmWriter().u16(tag).u32(size).u32(TPM_CC[command.name]).bytes(bytes).finish();
}

function marshalAuthorizations(authorizations: readonly TpmAuthorization[]): Uint8Array {
  const area = new TpmWriter();
  for (const { session, password } of authorizations) area.u32(session).sized(EMPTY).u8(CONTINUE_SESSION).sized(password);
  return area.finish();
}

/**
 * Takes a response apart.
 *
 * @throws TpmCommandError when the TPM refused.
 * @throws CollectorError `tpm-response-malformed` when it is not a response to `command`.
 */
export function unmarshalResponse(command: TpmCommand, response: Uint8Array): TpmResponse {
  if (response.length > MAX_MESSAGE_BYTES) throw malformed('longer than any TPM gives');
  const reader = new TpmReader(response);
  const tag = reader.u16();
  if (reader.u32() !== response.length) throw malformed('its size field disagrees with its length');
  const code = reader.u32();
  if (code !== 0) throw refusal(command, code, reader);
  const sessions = command.authorizations?.length ?? 0;
  if (tag !== (sessions > 0 ? TPM_ST.SESSIONS : TPM_ST.NO_SESSIONS)) throw malformed(`tag 0x${tag.toString(16)}`);
  const handle = command.givesHandle === true ? reader.u32() : 0;
  if (sessions === 0) return { handle, parameters: new TpmReader(reader.bytes(reader.remaining)) };
  const parameters = new TpmReader(reader.bytes(reader.u32()));
  skipAcknowledgements(reader, sessions);
  return { handle, parameters };
}

function refusal(command: TpmCommand, code: number, reader: TpmReader): Error {
  reader.end();
  const { rcName, position } = decodeResponseCode(code);
  return new TpmCommandError(`TPM2_${command.name}`, code, rcName, position);
}

/** Password and HMAC-less policy sessions answer with an empty HMAC: there is nothing in them to check but their shape. */
function skipAcknowledgements(reader: TpmReader, sessions: number): void {
  for (let i = 0; i < sessions; i += 1) {
    reader.sized(64);
    reader.u8();
    reader.sized(64);
  }
  reader.end();
}

/** The TPM asks for the same command again, unchanged and later. */
const ASK_AGAIN = new Set(['TPM_RC_RETRY', 'TPM_RC_YIELDED', 'TPM_RC_TESTING', 'TPM_RC_NV_RATE']);
const MAX_ATTEMPTS = 12;

export type Pause = (ms: number) => Promise<unknown>;

/**
 * A TPM 2.0, spoken to directly. Sends commands and takes answers apart; repeats, at most 12 times, what the TPM asks
 * to be repeated. The commands themselves are functions beside this class, by noun.
 */
export class Tpm {
  constructor(
    private readonly transport: TpmTransport,
    private readonly pause: Pause = sleep,
  ) {}

  async execute(command: TpmCommand): Promise<TpmResponse> {
    const bytes = marshalCommand(command);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return unmarshalResponse(command, await this.transport.send(bytes));
      } catch (error) {
        const again = error instanceof TpmCommandError && ASK_AGAIN.has(error.rcName);
        if (!again || attempt === MAX_ATTEMPTS) throw error;
        await this.pause(Math.min(10 * 2 ** attempt, 1000));
      }
    }
  }

  close(): Promise<void> {
    return this.transport.close();
  }
}
