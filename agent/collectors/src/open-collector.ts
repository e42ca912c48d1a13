import { join } from 'node:path';
import type { EvidenceCollector } from './collector.js';
import { probeTpm } from './evidence-source.js';
import type { ProbeOptions, ProbeResult } from './evidence-source.js';
import { openSoftwareCollector } from './software/software-collector.js';
import { prepareSwtpm } from './swtpm/prepare.js';
import { startSwtpm } from './swtpm/start.js';
import { openDeviceTransport } from './tpm/device-transport.js';
import { openTpmCollector } from './tpm/tpm-collector.js';
import type { TpmCollectorOptions } from './tpm/tpm-collector.js';

export interface OpenCollectorOptions extends Omit<ProbeOptions, 'stateFile'> {
  /** The node's state folder, mode 0700. */
  readonly stateFolder: string;
  readonly tpm?: TpmCollectorOptions;
}

export interface OpenedCollector extends ProbeResult {
  readonly collector: EvidenceCollector;
  /** X.509 DER of the root that certified a development TPM, for pinning in a development profile; absent for hardware and software. */
  readonly developmentRoot?: Uint8Array;
}

/**
 * Opens this node's source of evidence: the one it was enrolled with, or, at the first start, the best that is allowed and
 * works. A development TPM runs until the collector is closed or this program ends.
 *
 * @throws CollectorError the codes of `probeTpm`, `prepareSwtpm`, `startSwtpm` and the collector opened.
 */
export async function openEvidenceCollector(options: OpenCollectorOptions): Promise<OpenedCollector> {
  const probed = await probeTpm({ ...options, stateFile: join(options.stateFolder, 'evidence-source.json') });
  switch (probed.source) {
    case 'hardware':
      return { ...probed, collector: await openTpmCollector(await openDeviceTransport(options.device), options.tpm) };
    case 'swtpm':
      return { ...probed, ...(await openSwtpmCollector(options)) };
    case 'software': {
      const selection = options.tpm?.selection;
      const collector = await openSoftwareCollector({ stateFolder: options.stateFolder, ...(selection === undefined ? {} : { selection }) });
      return { ...probed, collector };
    }
  }
}

async function openSwtpmCollector(options: OpenCollectorOptions): Promise<Pick<OpenedCollector, 'collector' | 'developmentRoot'>> {
  const state = await prepareSwtpm({ stateFolder: join(options.stateFolder, 'swtpm'), env: options.env });
  const { transport } = await startSwtpm({ stateFolder: state.stateFolder, env: options.env });
  const chain = [state.issuer, state.root];
  return { collector: await openTpmCollector(transport, { ...options.tpm, chain }), developmentRoot: state.root };
}
