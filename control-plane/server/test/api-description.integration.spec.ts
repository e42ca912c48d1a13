import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { apiDescription } from './support/api-description.js';
import { ServerUnderTest } from './support/server-under-test.js';

const docs = join(import.meta.dirname, '../../../docs');

interface Operation {
  readonly operationId: string;
  readonly security?: readonly Record<string, readonly string[]>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Record<string, unknown>;
}
interface Description {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}

let server: ServerUnderTest;
let pages: ReadonlyMap<string, string>;
let description: Description;
beforeAll(async () => {
  server = await ServerUnderTest.start();
  pages = apiDescription(server.application);
  description = JSON.parse(pages.get('openapi.json') ?? '') as Description;
});
afterAll(async () => {
  await server?.stop();
});

describe('the description of the API', () => {
  it.each(['openapi.json', 'routes.md'])('is the one in docs/%s', (name) => {
    // When this fails: node tools/openapi.mjs, and read the difference; clients are written against these pages.
    expect(existsSync(join(docs, name))).toBe(true);
    expect(readFileSync(join(docs, name), 'utf8')).toBe(pages.get(name));
  });

  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(JSON.parse(pages.get('openapi.json') ?? '') as Record<string, unknown>);
    expect([valid, errors, validator.version]).toEqual([true, undefined, '3.1']);
  });

  it('is refused by the same validator when it is not', async () => {
    const broken: Record<string, unknown> = { ...JSON.parse(pages.get('openapi.json') ?? '') as object, paths: { '/v1/requests': { get: { responses: 'none' } } } };
    expect((await new Validator().validate(broken)).valid).toBe(false);
  });

  it('describes every route there is, with who may call it', () => {
    const described = Object.entries(description.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { security }]) => `${method.toUpperCase()} ${path} ${(security ?? []).flatMap((one) => Object.keys(one)).join()}`),
    );
    const schemes = { person: 'session', node: 'node-certificate', anyone: '' } as const;
    const routes = server.application.routes.map(({ method, path, principal }) => `${method} ${path.replace(/:([a-z]+)/g, '{$1}').replace('*', '{path}')} ${schemes[principal]}`);
    expect(described.sort()).toEqual(routes.sort());
  });

  it('names each operation once, each of its path parameters, and the problem it may answer with', () => {
    const operations = Object.entries(description.paths).flatMap(([path, methods]) => Object.values(methods).map((operation) => ({ path, operation })));
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
    for (const { path, operation } of operations) {
      const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect([path, named]).toEqual([path, [...path.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1])]);
      expect(operation.responses).toHaveProperty('default');
    }
  });
});
