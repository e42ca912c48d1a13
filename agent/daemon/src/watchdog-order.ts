/** One line to the watchdog: a deadline in boot-time seconds, `rest`, or `stop`. Anything else is an immediate deadline. */
export function parseOrder(line: string): number | 'rest' | 'stop' {
  if (line === 'rest' || line === 'stop') return line;
  const seconds = line.trim() === '' ? Number.NaN : Number(line);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 0;
}
