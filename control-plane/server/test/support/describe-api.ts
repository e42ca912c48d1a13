// Writes what the API says of itself into the folder named: for tools/openapi.mjs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiDescription } from './api-description.js';
import { ServerUnderTest } from './server-under-test.js';

const [folder = '.'] = process.argv.slice(2);
const server = await ServerUnderTest.start();
for (const [name, content] of apiDescription(server.application)) writeFileSync(join(folder, name), content);
await server.stop();
process.exit(0);
