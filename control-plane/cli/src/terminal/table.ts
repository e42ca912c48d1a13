import { shown } from './text.js';

/** Rows under a heading, as wide as their longest cell. Cells are neutralised here. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [heading, ...rows].map((row) => heading.map((_, column) => shown(row[column] ?? '')));
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

/** Name and value, one pair a line; a pair without a value is left out. Values are neutralised here. */
export function fields(pairs: readonly (readonly [string, string | number | bigint | undefined])[]): string {
  const present = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(...present.map(([name]) => name.length));
  return present.map(([name, value]) => `${name.padEnd(width)}  ${shown(String(value))}`).join('\n');
}
