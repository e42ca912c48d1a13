import type { Bench, BenchRecord } from './bench.js';

/** All benches, or the one called `only`, or all of the area `only`. */
export function selectBenches(benches: readonly Bench[], only: string | undefined): Bench[] {
  return benches.filter(({ name }) => only === undefined || name === only || name.startsWith(`${only}.`));
}

/** Plain columns for a terminal. */
export function table(records: readonly BenchRecord[]): string {
  const rows = records.map(({ name, value, unit, reference, ratio }) => [name, `${figure(value)} ${unit}`, `${figure(reference.value)} ${reference.unit}`, ratio.toFixed(2), reference.name]);
  const all = [['bench', 'measured', 'reference', 'ratio', 'against'], ...rows];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
