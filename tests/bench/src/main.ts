// npm run bench -- [--only NAME] [--json FILE]
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { BenchRecord } from './bench.js';
import { benches } from './benches/index.js';
import { selectBenches, table } from './report.js';

const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' } } });
const chosen = selectBenches(benches, values.only);
if (chosen.length === 0) {
  console.error(`no bench is called ${values.only}. There are: ${benches.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const records: BenchRecord[] = [];
const failed: string[] = [];
for (const [i, bench] of chosen.entries()) {
  console.error(`[${i + 1}/${chosen.length}] ${bench.name}`);
  try {
    records.push(await bench.run((message) => console.error(`    ${message}`)));
  } catch (error) {
    failed.push(bench.name);
    console.error(`    failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
console.log(table(records));
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ benches: records }, undefined, 2)}\n`);
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
