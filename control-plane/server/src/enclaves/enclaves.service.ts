import { Injectable } from '@nestjs/common';
import { defineEnclave, EnclaveError } from '@strongroom/infra-enclave';
import { DocumentsService, type RegisteredDocument } from '../documents/documents.service.js';
import { StrongroomError } from '../platform/errors.js';

/** Enclaves in force: what two people signed, and what an enclave may be at all. */
@Injectable()
export class EnclavesService {
  constructor(private readonly documents: DocumentsService) {}

  /** @throws StrongroomError `input-invalid` with every fault of the enclave, `statement-refused`, `conflict` */
  register(envelope: unknown): Promise<RegisteredDocument<'enclave'>> {
    return this.documents.register('enclave', envelope, (_manager, { value }) => {
      assertEnclave(value.enclave);
      return Promise.resolve();
    });
  }
}

function assertEnclave(enclave: unknown): void {
  try {
    defineEnclave(enclave);
  } catch (error) {
    if (!(error instanceof EnclaveError)) throw error;
    throw new StrongroomError('input-invalid', 'the enclave is not valid', { cause: error, faults: error.faults.slice(0, 50).map((fault) => ({ path: fault.path, message: `${fault.expected}; got ${fault.got}` })) });
  }
}
