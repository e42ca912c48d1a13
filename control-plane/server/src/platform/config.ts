import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { StrongroomError, type Fault } from './errors.js';

export const profile = z.enum(['development', 'production']);
export type Profile = z.infer<typeof profile>;

/** What the environment may set. Secrets come by file path, so none of these carries one except a database URL. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * One domain's part of the configuration file. `token` is what a service injects:
 * `constructor(@Inject(auditConfig.token) private readonly config: AuditConfig)`.
 */
export interface ConfigSection<S extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly token: symbol;
  readonly schema: S;
  /** What the environment overrides, as a partial of the section; applied over the file. */
  readonly environment: (env: Environment) => object;
  /** What this profile does not allow, one sentence each. */
  readonly forbidden: (value: z.infer<S>, profile: Profile) => readonly string[];
}

export function defineConfig<S extends z.ZodType>(
  name: string,
  schema: S,
  more: Partial<Pick<ConfigSection<S>, 'environment' | 'forbidden'>> = {},
): ConfigSection<S> {
  return { name, token: Symbol(`config ${name}`), schema, environment: () => ({}), forbidden: () => [], ...more };
}

export type ConfigOf<C extends ConfigSection> = Readonly<z.infer<C['schema']>>;

/** Every section, parsed once at start and frozen. */
export class Configuration {
  constructor(
    readonly profile: Profile,
    private readonly values: ReadonlyMap<symbol, unknown>,
  ) {}

  get<S extends z.ZodType>(section: ConfigSection<S>): Readonly<z.infer<S>> {
    if (!this.values.has(section.token)) throw new StrongroomError('config-invalid', `section ${section.name} was not loaded`);
    return this.values.get(section.token) as z.infer<S>;
  }

  /** Nest providers, one a section. */
  providers(): { provide: symbol; useValue: unknown }[] {
    return [...this.values].map(([provide, useValue]) => ({ provide, useValue }));
  }
}

/**
 * Parses the configuration: the members of `file`, then what the environment overrides. Every fault is reported together.
 * An unknown section or member is a fault: a misspelt limit must not silently be the default.
 *
 * @param file the parsed JSON file, `{ profile, <section>: {…} }`.
 * @throws StrongroomError `config-invalid`, its faults by JSON pointer.
 */
export function parseConfig(sections: readonly ConfigSection[], file: unknown, env: Environment): Configuration {
  const faults: Fault[] = [];
  const members = isObject(file) ? file : {};
  if (!isObject(file)) faults.push({ path: '', message: 'the configuration is not a JSON object' });
  const names = new Set(['profile', ...sections.map((section) => section.name)]);
  for (const name of Object.keys(members)) if (!names.has(name)) faults.push({ path: `/${name}`, message: 'there is no such section' });
  const chosen = profile.default('development').safeParse(members['profile']);
  if (!chosen.success) faults.push({ path: '/profile', message: 'must be development or production' });
  const values = new Map(sections.map((section) => [section.token, parseSection(section, members[section.name], env, chosen.data, faults)]));
  if (faults.length > 0) throw new StrongroomError('config-invalid', describe(faults), { faults });
  return new Configuration(chosen.data ?? 'production', values);
}

/** Reads and parses the configuration file. @throws StrongroomError `config-invalid` */
export function loadConfig(sections: readonly ConfigSection[], path: string, env: Environment): Configuration {
  let file: unknown;
  try {
    file = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new StrongroomError('config-invalid', `${path} cannot be read as JSON`, { cause });
  }
  return parseConfig(sections, file, env);
}

function parseSection(section: ConfigSection, given: unknown, env: Environment, chosen: Profile | undefined, faults: Fault[]): unknown {
  const merged = isObject(given) || given === undefined ? { ...given, ...section.environment(env) } : given;
  const parsed = section.schema.safeParse(merged);
  if (!parsed.success) {
    faults.push(...parsed.error.issues.map((issue) => ({ path: `/${[section.name, ...issue.path.map(String)].join('/')}`, message: issue.message })));
    return undefined;
  }
  if (chosen) faults.push(...section.forbidden(parsed.data, chosen).map((message) => ({ path: `/${section.name}`, message })));
  return deepFreeze(parsed.data);
}

function describe(faults: readonly Fault[]): string {
  return ['the configuration is not usable:', ...faults.map(({ path, message }) => `  ${path || '/'}: ${message}`)].join('\n');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
