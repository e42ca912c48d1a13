import { uuid } from '@strongroom/control-plane-contract';
import { CliError } from '../errors.js';

/** An id that may stand in a URL. @throws CliError `usage` */
export function requireUuid(text: string): string {
  if (!uuid.safeParse(text).success) throw new CliError('usage', 'an id is a lowercase UUIDv7, such as 01920000-0000-7000-8000-000000000000');
  return text;
}
