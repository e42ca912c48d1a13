/** Fields of a log line: names, counts, codes. Never evidence, keys, nonces or answers. */
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[]>>;
export type LogLevel = 'info' | 'notice' | 'warning' | 'error';

export interface Log {
  (level: LogLevel, message: string, fields?: LogFields): void;
}

/** One JSON object a line. */
export function jsonLog(write: (line: string) => void, now: () => Date): Log {
  return (level, message, fields = {}) => {
    write(`${JSON.stringify({ ...fields, time: now().toISOString(), level, message })}\n`);
  };
}
