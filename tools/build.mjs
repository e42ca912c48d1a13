// Compiles TypeScript to ES modules with SWC: one project (run in its folder), or every project with --all.
// SWC only strips types and emits decorator metadata; `npm run typecheck` is what checks the types.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const ownBuild = /^node (\.\.\/)+tools\/build\.mjs$/;

export const swcOptions = {
  module: { type: 'es6' },
  sourceMaps: true,
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
};

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
}

const isSource = (path) => path.endsWith('.ts') && !path.endsWith('.spec.ts') && !path.endsWith('.d.ts');
/** Beside code lie what code reads: SQL, JSON, HTML. */
const isAsset = (path) => !/\.(tsx?|md)$/.test(path) && !basename(path).startsWith('.');

/** Files are replaced one by one and strays removed at the end, so that a program that runs from `dist` is not cut off. */
export function buildProject(project) {
  const src = join(project, 'src');
  const dist = join(project, 'dist');
  if (!existsSync(src)) return 0;
  const written = new Set();
  for (const file of files(src)) {
    if (isSource(file)) compile(file, join(dist, relative(src, file).replace(/\.ts$/, '.js')), written);
    else if (isAsset(file)) copy(file, join(dist, relative(src, file)), written);
  }
  if (existsSync(dist)) for (const file of files(dist)) if (!written.has(file)) rmSync(file);
  return written.size;
}

function compile(file, target, written) {
  const sourceFileName = relative(dirname(target), file);
  const { code, map } = transformSync(readFileSync(file, 'utf8'), { ...swcOptions, filename: file, sourceFileName });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, `${code}\n//# sourceMappingURL=${basename(target)}.map\n`, { mode: statSync(file).mode & 0o111 ? 0o755 : 0o644 });
  writeFileSync(`${target}.map`, map ?? '');
  written.add(target).add(`${target}.map`);
}

function copy(file, target, written) {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(file, target);
  written.add(target);
}

export function projects() {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return workspaces.map((folder) => join(root, folder));
}

/** A project with a build of its own (the console) is built by it. */
function build(project) {
  const command = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).scripts?.build;
  if (command === undefined) return 0;
  if (ownBuild.test(command)) return buildProject(project);
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: project, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`building ${relative(root, project)} failed`);
  return 0;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const all = process.argv.includes('--all');
  const started = performance.now();
  const built = all ? projects().map(build).reduce((a, b) => a + b, 0) : buildProject(process.cwd());
  console.log(`built ${built} files in ${Math.round(performance.now() - started)} ms`);
}
