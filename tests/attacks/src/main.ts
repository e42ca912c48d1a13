import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { judge, type Verdict } from './attack.js';
import { attacks } from './attacks/index.js';
import { Stage } from './stage/stage.js';

const HELP = `Tries to break the laws of the design against real parts, and expects to be refused.

usage: npm run attacks -- [--json FILE] [--only TEXT] [--list]

  --json FILE  write {"attacks":[{"name","refused","code"}]}
  --only TEXT  attacks whose name contains TEXT
  --list       tell the stories and stop`;

async function run(): Promise<number> {
  const { values } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' }, list: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  const chosen = attacks.filter(({ name }) => name.includes(values.only ?? ''));
  if (chosen.length === 0) throw new Error('no attack has such a name; see --list');
  if (values.list === true) {
    for (const { name, rule, story } of chosen) console.log(`${name} (${rule})\n  ${story}`);
    return 0;
  }
  const stage = await Stage.open();
  const verdicts: Verdict[] = [];
  try {
    for (const attack of chosen) {
      const verdict = await judge(attack, stage);
      verdicts.push(verdict);
      console.log(`${verdict.refused ? 'refused ' : 'BROKEN  '} ${verdict.name} – ${verdict.code}`);
    }
  } finally {
    await stage.close();
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ attacks: verdicts }, null, 2)}\n`);
  const failed = verdicts.filter(({ refused }) => !refused).length;
  console.log(`${verdicts.length - failed} passed, ${failed} failed, 0 skipped`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
