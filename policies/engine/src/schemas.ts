import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { PolicyError } from './errors.js';

/** Every schema of a bundle, by the name of its file without `.schema.json`. */
export const SCHEMA_NAMES = [
  'access-input',
  'appraisal-decision',
  'appraisal-input',
  'bundle',
  'data',
  'data-floor',
  'decision',
  'release-input',
] as const;

export type SchemaName = (typeof SCHEMA_NAMES)[number];
export type PolicySchemas = Readonly<Record<SchemaName, unknown>>;
export type Validators = Readonly<Record<SchemaName, ValidateFunction>>;

/**
 * Compiles the schemas once. Strict: an unknown keyword or a missing schema is an error, never a check left out.
 * @throws PolicyError `policy-schema-invalid`
 */
export function compileSchemas(schemas: PolicySchemas): Validators {
  // Tuples and required members stand apart in the floor schema on purpose: the shape is the data schema's business.
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: false, ownProperties: true });
  try {
    const compiled = SCHEMA_NAMES.map((name) => [name, ajv.compile(schemas[name] as object)] as const);
    return Object.freeze(Object.fromEntries(compiled)) as Validators;
  } catch (cause) {
    throw new PolicyError('policy-schema-invalid', 'a schema of the bundle is missing or not valid', { cause });
  }
}

/** Where the first fault lies, without the value that is at fault. */
export function firstFault(validator: ValidateFunction): string {
  const [fault] = validator.errors ?? [];
  return fault ? `${fault.instancePath || '/'} ${fault.message ?? 'is not valid'}` : 'is not valid';
}
