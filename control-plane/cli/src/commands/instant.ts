import { CliError } from '../errors.js';

/** @throws CliError `usage` */
export function parseInstant(text: string, what: string): Date {
  const date = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text) || Number.isNaN(date.getTime())) throw new CliError('usage', `${what} is given as 2027-01-31T00:00:00Z`);
  return date;
}

export function parseIndex(text: string): bigint {
  if (!/^(?:0|[1-9]\d{0,15})$/.test(text)) throw new CliError('usage', 'an index is a whole number from 0');
  return BigInt(text);
}
