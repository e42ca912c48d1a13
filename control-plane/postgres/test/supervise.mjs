// Supervises the database of the home given as argument until SIGTERM, so that a test can kill a supervisor.
// Compiles the sources into a temporary folder beside node_modules: a test needs no build.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from '@swc/core';

const package_ = join(import.meta.dirname, '..');
const compiled = mkdtempSync(join(package_, '.compiled-'));
process.on('exit', () => rmSync(compiled, { recursive: true, force: true }));
for (const name of readdirSync(join(package_, 'src'))) {
  if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
  const { code } = transformSync(readFileSync(join(package_, 'src', name), 'utf8'), { module: { type: 'es6' }, jsc: { target: 'es2022', parser: { syntax: 'typescript' } } });
  writeFileSync(join(compiled, name.replace(/ts$/, 'js')), code);
}

const { startPostgres } = await import(join(compiled, 'server.js'));
rmSync(compiled, { recursive: true, force: true });
const server = await startPostgres({ home: process.argv[2] });
process.once('SIGTERM', () => void server.stop());
console.log('ready');
