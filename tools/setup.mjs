// Brings a checkout to the state in which its programs run: Node new enough, packages installed as locked, sources built.
// Plain Node, since it runs before anything is installed. Does nothing, quickly, when nothing changed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const lockStamp = join(modules, '.strongroom-lock');
const buildStamp = join(modules, '.strongroom-build');

/** An end that needs no stack trace: what failed and what to do about it. */
export class SetupError extends Error {}

export async function setup({ say = (line) => console.error(line) } = {}) {
  checkNode();
  await install(say);
  await build(say);
}

/** Runs a tool's main function: a SetupError becomes one line and exit code 1. */
export async function main(run) {
  try {
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`strongroom: ${error.message}`);
    process.exitCode = 1;
  }
}

export function checkNode(version = process.versions.node) {
  const wanted = readJson(join(root, 'package.json')).engines.node.replace('>=', '');
  const [have, want] = [version, wanted].map((text) => text.split('.').map(Number));
  const differs = want.findIndex((part, index) => part !== have[index]);
  if (differs !== -1 && have[differs] < want[differs]) {
    throw new SetupError(`Node ${wanted} or newer is needed; this is ${version}`);
  }
}

async function install(say) {
  const wanted = digest([readFileSync(join(root, 'package-lock.json')), readFileSync(join(root, 'package.json'))]);
  if (read(lockStamp) === wanted) return;
  // Somebody may have run `npm ci` themselves.
  if (!installedAsLocked()) {
    say('strongroom: installing packages (a minute or two the first time) ...');
    const started = Date.now();
    const code = await npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'], {
      everyTenSeconds: (seconds) => say(`strongroom: still installing (${seconds} s)`),
    });
    if (code !== 0) throw new SetupError('npm ci failed (see above): check the network and the npm configuration, then run this again');
    say(`strongroom: packages installed in ${seconds(started)} s`);
  }
  writeFileSync(lockStamp, wanted);
}

/** npm writes down what it installed; packages for other platforms are rightly absent. */
function installedAsLocked() {
  const installed = readJson(join(modules, '.package-lock.json'))?.packages;
  const locked = readJson(join(root, 'package-lock.json'))?.packages;
  if (installed === undefined || locked === undefined) return false;
  return Object.entries(locked).every(([path, entry]) => {
    if (!path.includes('node_modules/')) return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return entry.link === true ? found.link === true : found.version === entry.version && found.integrity === entry.integrity;
  });
}

async function build(say) {
  const projects = readJson(join(root, 'package.json')).workspaces.map((folder) => join(root, folder));
  const wanted = digest(['tools/build.mjs', 'package-lock.json'].map((path) => join(root, path)).concat(projects.flatMap(inputs)).flatMap((path) => [path.slice(root.length), readFileSync(path)]));
  if (read(buildStamp) === wanted && projects.every(isBuilt)) return;
  say('strongroom: building ...');
  const started = Date.now();
  const code = await run(process.execPath, [join(root, 'tools', 'build.mjs'), '--all']);
  if (code !== 0) throw new SetupError('the build failed (see above)');
  writeFileSync(buildStamp, wanted);
  say(`strongroom: built in ${seconds(started)} s`);
}

/** What a build reads, except tests. */
function inputs(project) {
  return [join(project, 'package.json'), ...filesUnder(join(project, 'src')).filter((path) => !path.endsWith('.spec.ts'))];
}

function isBuilt(project) {
  return !existsSync(join(project, 'src', 'index.ts')) || existsSync(join(project, 'dist', 'index.js'));
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => (entry.isDirectory() ? filesUnder(join(folder, entry.name)) : [join(folder, entry.name)]));
}

/** Runs the npm that called us, or the one in the path. What it prints is shown without addresses. */
export function npm(args, { everyTenSeconds = () => undefined, cwd = root } = {}) {
  const called = process.env.npm_execpath;
  const [command, before] = called?.endsWith('.js') && existsSync(called) ? [process.execPath, [called]] : ['npm', []];
  return run(command, [...before, ...args], { everyTenSeconds, cwd, redact: true });
}

/** Runs a program to its end; its output goes to our standard error. @returns its exit code, 1 when it could not run. */
export function run(command, args, { everyTenSeconds = () => undefined, cwd = root, redact = false, env = process.env } = {}) {
  return new Promise((done) => {
    const started = Date.now();
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', redact ? 'pipe' : 2, redact ? 'pipe' : 2] });
    const timer = setInterval(() => everyTenSeconds(Math.round((Date.now() - started) / 1000)), 10_000);
    for (const stream of redact ? [child.stdout, child.stderr] : []) forwardLines(stream);
    const end = (code) => {
      clearInterval(timer);
      done(code);
    };
    child.once('error', (error) => {
      console.error(`strongroom: ${command} could not be run: ${error.code ?? error.message}`);
      end(1);
    });
    child.once('close', (code) => end(code ?? 1));
  });
}

/** Addresses of registries and mirrors are the business of whoever configured them, not of our output. */
export function withoutAddresses(line) {
  return line.replace(/\b[a-z][a-z+.-]*:\/\/[^\s'"]+/gi, '<address>').replace(/\b(request to|connect|getaddrinfo \w+|host)\s+[\w.-]+(:\d+)?/gi, '$1 <address>');
}

function forwardLines(stream) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) console.error(withoutAddresses(line));
  });
  stream.on('end', () => {
    if (rest !== '') console.error(withoutAddresses(rest));
  });
}

function digest(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}

function seconds(started) {
  return ((Date.now() - started) / 1000).toFixed(1);
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readJson(path) {
  const text = read(path);
  return text === undefined ? undefined : JSON.parse(text);
}
