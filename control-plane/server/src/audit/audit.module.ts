import { Module } from '@nestjs/common';
import { DiskLogStorage } from '@strongroom/attestation-tlog';
import { auditConfig, type AuditConfig } from './audit.config.js';
import { AuditController } from './audit.controller.js';
import { AuditService } from './audit.service.js';
import { LogController } from './log.controller.js';
import { LogKeeper } from './log-keeper.js';
import { LOG_STORAGE, LogReader } from './log-reader.js';
import { LogSignals } from './log-signals.js';
import { PersonalData } from './personal-data.js';

@Module({
  controllers: [LogController, AuditController],
  providers: [
    { provide: LOG_STORAGE, inject: [auditConfig.token], useFactory: ({ folder }: AuditConfig) => new DiskLogStorage(folder) },
    LogSignals,
    LogReader,
    AuditService,
    PersonalData,
    LogKeeper,
  ],
  exports: [AuditService, LogReader, PersonalData],
})
export class AuditModule {}
