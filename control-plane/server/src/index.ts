import 'reflect-metadata';

export { AppModule } from './app.module.js';
export { configSections, domainModules, schema } from './domains.js';
export { startServer, type RunningServer } from './server.js';
export * from './platform/index.js';
export { AuditModule } from './audit/audit.module.js';
export { AuditService } from './audit/audit.service.js';
export { auditConfig, type AuditConfig } from './audit/audit.config.js';
export type { AuditEvent } from './audit/audit-event.js';
export { LogReader, type ListedEntry, type PublishedEntry } from './audit/log-reader.js';
export { PersonalData } from './audit/personal-data.js';
export { measureAppend, type AppendMeasurement } from './audit/measure-append.js';
