import type { Problem } from '../errors.js';
import { shown } from '../terminal/text.js';

const MAX_LISTED = 50;

/** Reads an RFC 9457 body without believing any of it: what is absent or odd becomes a plain refusal by status. */
export function toProblem(status: number, body: Uint8Array): Problem {
  const value = objectOf(body);
  return {
    status,
    code: textOf(value['code']) ?? `http-${status}`,
    title: textOf(value['title']) ?? 'The server refused',
    detail: textOf(value['detail']) ?? textOf(value['title']) ?? `status ${status}`,
    instance: textOf(value['instance']) ?? '',
    reasons: listOf(value['reasons']).map((reason) => ({
      code: textOf(reason['code']) ?? '',
      message: textOf(reason['message']) ?? '',
      ...(textOf(reason['remedy']) === undefined ? {} : { remedy: textOf(reason['remedy']) ?? '' }),
    })),
    faults: listOf(value['faults']).map((fault) => ({ path: textOf(fault['path']) ?? '', message: textOf(fault['message']) ?? '' })),
  };
}

/** The code, then why, then what to do, as text that is safe to print. */
export function problemText(problem: Problem): string {
  const lines = [
    `${shown(problem.code)}: ${shown(problem.detail)}`,
    ...problem.reasons.flatMap(({ code, message, remedy }) => [`  ${shown(code)}: ${shown(message)}`, ...(remedy === undefined ? [] : [`    remedy: ${shown(remedy)}`])]),
    ...problem.faults.map(({ path, message }) => `  ${shown(path)}: ${shown(message)}`),
    ...(problem.instance === '' ? [] : [`  request ${shown(problem.instance)}`]),
  ];
  return lines.join('\n');
}

function objectOf(body: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body.subarray(0, 256 * 1024)).toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 2000) : undefined;
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.slice(0, MAX_LISTED).filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null) : [];
}
