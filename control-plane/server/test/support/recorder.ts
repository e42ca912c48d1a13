// A whole server process without domains: records events until it is told to stop or dies. Says on stdout what it was promised.
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { AppModule } from '../../src/app.module.js';
import { Audit1763800000000 } from '../../src/audit/1763800000000-audit.migration.js';
import { auditConfig } from '../../src/audit/audit.config.js';
import { AuditModule } from '../../src/audit/audit.module.js';
import { AuditService } from '../../src/audit/audit.service.js';
import { createApplication } from '../../src/platform/application.js';
import { parseConfig } from '../../src/platform/config.js';
import type { DatabaseConnection } from '../../src/platform/database.js';
import { createLogger } from '../../src/platform/logger.js';
import { openPlatform } from '../../src/platform/open-platform.js';
import { platformSections } from '../../src/platform/platform.config.js';
import { FakePrincipals, principalsModule } from './principals.js';

interface Task {
  readonly file: unknown;
  readonly connection: DatabaseConnection;
  readonly recorders: number;
}

const task = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Task;
const configuration = parseConfig([...platformSections, auditConfig], task.file, process.env);
const platform = await openPlatform({ configuration, connection: task.connection, schema: { entities: [], migrations: [Audit1763800000000] }, logger: createLogger('silent') });
const { nest } = await createApplication(AppModule.forRoot(platform, [AuditModule, principalsModule(new FakePrincipals())]), platform);
const audit = nest.get(AuditService, { strict: false });
const say = (line: string) => new Promise<void>((resolve) => process.stdout.write(`${line}\n`, () => { resolve(); }));

async function recordForEver(name: number): Promise<never> {
  for (;;) {
    const { eventId } = await platform.database.inTransaction((manager) => audit.record(manager, { kind: 'node-change', message: 'm', chains: [`node/${name}`] }));
    await say(`committed ${eventId}`);
    await audit.waitForEntry(eventId);
    await say(`acknowledged ${eventId}`);
  }
}
await Promise.all(Array.from({ length: task.recorders }, (_, name) => recordForEver(name)));
