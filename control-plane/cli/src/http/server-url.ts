import { CliError } from '../errors.js';
import { shown } from '../terminal/text.js';

export const DEFAULT_SERVER = 'http://localhost:7080';

/** A server's origin: scheme, host, port and nothing else. @throws CliError `usage` */
export function parseServerUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new CliError('usage', `${shown(text)} is not a URL`);
  }
  const plain = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (!plain || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CliError('usage', 'a server is given as http://host:port or https://host:port, without path, user or password');
  }
  return url;
}

/** Names of RFC 6761 section 6.3 and loopback addresses: what is sent there does not leave this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
