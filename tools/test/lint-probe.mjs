// Reads [{ path, text }, …] as JSON and prints, for each, the rules ESLint finds broken were `text` the content of `path`.
// One process for all, since the types are read once. Nothing is written into the sources.
import { text as readAll } from 'node:stream/consumers';
import { ESLint } from 'eslint';
import { freshProjectGraph } from '../lint.mjs';
import { root } from '../setup.mjs';

process.chdir(root);
process.env.NX_DAEMON = 'false';
await freshProjectGraph();
const eslint = new ESLint({ cwd: root });
const found = [];
for (const { path, text } of JSON.parse(await readAll(process.stdin))) {
  const [result] = await eslint.lintText(text, { filePath: path });
  found.push((result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message));
}
console.log(JSON.stringify(found));
