// Compiles TypeScript to ES modules with SWC: one project (run in its folder), or every project with --all.
// SWC only strips types and emits decorator metadata; `npm run typecheck` is what checks the types.
import { readdirSync, readFileSync, writeFileSync, mkdirSync, rmSync, existsSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

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

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts') && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

export function buildProject(project) {
  const src = join(project, 'src');
  const dist = join(project, 'dist');
  if (!existsSync(src)) return 0;
  rmSync(dist, { recursive: true, force: true });
  const files = sources(src);
  for (const file of files) {
    const target = join(dist, relative(src, file).replace(/\.ts$/, '.js'));
    const { code, map } = transformSync(readFileSync(file, 'utf8'), { ...swcOptions, filename: file, sourceFileName: relative(dirname(target), file) });
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, `${code}\n//# sourceMappingURL=${relative(dirname(target), target)}.map\n`);
    writeFileSync(`${target}.map`, map ?? '');
    if (statSync(file).mode & 0o111) writeFileSync(target, code, { mode: 0o755 });
  }
  return files.length;
}

export function projects() {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return workspaces.map((folder) => join(root, folder));
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const all = process.argv.includes('--all');
  const started = performance.now();
  const built = (all ? projects() : [process.cwd()]).map(buildProject).reduce((a, b) => a + b, 0);
  console.log(`built ${built} files in ${Math.round(performance.now() - started)} ms`);
}
