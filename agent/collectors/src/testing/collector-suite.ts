import { expect, it } from '@jest/globals';
import type { EvidenceCollector } from '../collector.js';
import { expectedPcr } from '../measurement.js';

/** What a test needs to know of one kind of collector. */
export interface CollectorUnderTest {
  /** Opens it on the same state each time; PCRs start anew. */
  open(): Promise<EvidenceCollector>;
  /** The PCR values and binding of evidence whose signature was verified; throws when it does not verify. */
  verified(evidence: unknown): { readonly binding: Uint8Array; readonly sha256: Readonly<Record<string, string>> };
  seal(identity: Awaited<ReturnType<EvidenceCollector['identity']>>, secret: Uint8Array): { credentialBlob: Uint8Array; encryptedSecret: Uint8Array };
}

const ZEROS = '00'.repeat(32);
const digest = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

/** What every collector promises; each adapter runs it. */
export function collectorKeepsItsPromises(under: CollectorUnderTest): void {
  const withCollector = async (use: (collector: EvidenceCollector) => Promise<void>): Promise<void> => {
    const collector = await under.open();
    try {
      await use(collector);
    } finally {
      await collector.close();
    }
  };

  it('is the same node after a restart', async () => {
    const seen: unknown[] = [];
    await withCollector(async (collector) => void seen.push(await collector.identity()));
    await withCollector(async (collector) => void seen.push(await collector.identity()));
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]).toMatchObject({ akName: expect.stringMatching(/^000b[0-9a-f]{64}$/), hardwareId: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
  });

  it('signs the binding and the values of the selected PCRs', async () => {
    await withCollector(async (collector) => {
      const { binding, sha256 } = under.verified(await collector.collect(digest(7)));
      expect(binding).toEqual(digest(7));
      expect(Object.keys(sha256)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '15']);
      expect(sha256['15']).toBe(ZEROS);
    });
  });

  it('extends as a TPM does, so that the value can be computed beforehand', async () => {
    await withCollector(async (collector) => {
      await collector.measure(15, digest(1));
      await collector.measure(15, digest(2));
      const { sha256 } = under.verified(await collector.collect(digest(7)));
      expect(sha256['15']).toBe(expectedPcr(ZEROS, [digest(1), digest(2)]));
      expect(sha256['14']).toBeUndefined();
    });
  });

  it('measures once what is the PCR’s only measurement, and shows every other history', async () => {
    await withCollector(async (collector) => {
      expect([await collector.measureOnce(15, digest(1)), await collector.measureOnce(15, digest(1))]).toEqual([true, false]);
      expect(under.verified(await collector.collect(digest(7))).sha256['15']).toBe(expectedPcr(ZEROS, [digest(1)]));
      expect(await collector.measureOnce(15, digest(2))).toBe(true);
      expect(await collector.measureOnce(15, digest(1))).toBe(true);
      expect(under.verified(await collector.collect(digest(7))).sha256['15']).toBe(expectedPcr(ZEROS, [digest(1), digest(2), digest(1)]));
    });
  });

  it('keeps overlapping calls in order', async () => {
    await withCollector(async (collector) => {
      const evidence = await Promise.all([1, 2, 3].map(async (fill) => {
        const measured = collector.measure(15, digest(fill));
        const collected = collector.collect(digest(fill));
        await measured;
        return under.verified(await collected);
      }));
      expect(evidence.map(({ sha256 }) => sha256['15'])).toEqual([1, 2, 3].map((n) => expectedPcr(ZEROS, [1, 2, 3].slice(0, n).map(digest))));
    });
  });

  it.each([
    ['another length', 15, new Uint8Array(31)],
    ['nothing', 15, new Uint8Array(0)],
    ['text', 15, 'x'.repeat(32) as unknown as Uint8Array],
    ['PCR -1', -1, digest(1)],
    ['PCR 24', 24, digest(1)],
    ['PCR 1.5', 1.5, digest(1)],
  ])('refuses to measure %s', async (_name, pcr, value) => {
    await withCollector(async (collector) => {
      await expect(collector.measure(pcr, value)).rejects.toMatchObject({ code: 'measurement-invalid' });
      await expect(collector.measureOnce(pcr, value)).rejects.toMatchObject({ code: 'measurement-invalid' });
    });
  });

  it.each([['31 bytes', new Uint8Array(31)], ['no bytes', new Uint8Array(0)], ['nothing', undefined as unknown as Uint8Array]])(
    'refuses to bind %s',
    async (_name, binding) => withCollector(async (collector) => expect(collector.collect(binding)).rejects.toMatchObject({ code: 'measurement-invalid' })),
  );

  it('opens a credential made for it', async () => {
    await withCollector(async (collector) => {
      const secret = digest(9);
      expect(await collector.activate(under.seal(await collector.identity(), secret))).toEqual(secret);
    });
  });

  it('refuses a credential that was altered, made for another attestation key, or is none', async () => {
    await withCollector(async (collector) => {
      const identity = await collector.identity();
      const good = under.seal(identity, digest(9));
      const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte));
      const bad = [
        { ...good, credentialBlob: flip(good.credentialBlob) },
        { ...good, encryptedSecret: flip(good.encryptedSecret) },
        { ...good, credentialBlob: new Uint8Array(0) },
        { ...good, encryptedSecret: new Uint8Array(0) },
        { ...good, credentialBlob: new Uint8Array(5000) },
      ];
      for (const challenge of bad) await expect(collector.activate(challenge)).rejects.toMatchObject({ code: 'credential-refused' });
      expect(await collector.activate(good)).toEqual(digest(9));
    });
  });

  it('does nothing once closed', async () => {
    const collector = await under.open();
    await collector.close();
    await collector.close();
    await expect(collector.collect(digest(7))).rejects.toMatchObject({ code: 'tpm-closed' });
    await expect(collector.measure(15, digest(7))).rejects.toMatchObject({ code: 'tpm-closed' });
  });
}
