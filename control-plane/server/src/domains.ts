import type { DynamicModule, Type } from '@nestjs/common';
import { Audit1763800000000 } from './audit/1763800000000-audit.migration.js';
import { auditConfig } from './audit/audit.config.js';
import { AuditModule } from './audit/audit.module.js';
import type { ConfigSection } from './platform/config.js';
import type { Schema } from './platform/database.js';
import { platformSections } from './platform/platform.config.js';

/** Every domain, from the floor up. A new domain adds its configuration, tables and module here, and nowhere else. */

export const configSections: readonly ConfigSection[] = [...platformSections, auditConfig];

export const schema: Schema = {
  entities: [],
  migrations: [Audit1763800000000],
};

export const domainModules: readonly (Type | DynamicModule)[] = [AuditModule];
