import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SwtpmNode, swtpmInstalled } from '@strongroom/attestation-testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeCredential, parsePublicArea, tpmName, verifyEndorsement, verifyTpm2Evidence } from '../src/index.js';

// Needs swtpm and swtpm_setup; without them there is no TPM to ask, and the suite says so by being skipped.
const whereInstalled = swtpmInstalled() ? describe : describe.skip;
const random = (size: number): Uint8Array => new Uint8Array(randomBytes(size));

whereInstalled('against a live software TPM', () => {
  let directory: string;
  let node: SwtpmNode;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'strongroom-swtpm-'));
    node = await SwtpmNode.create(directory);
  }, 30_000);

  afterAll(async () => {
    await node?.tpm.powerOff();
    rmSync(directory, { recursive: true, force: true });
  });

  it.each(['rsa-2048', 'ecc-p256', 'ecc-p384'] as const)('the TPM opens our credential for its %s EK and its own AK alone', async (kind) => {
    const ek = await node.createEk(kind);
    const ak = await node.createAk('ecdsa-p256');
    const secret = random(32);
    const made = makeCredential({ ekPublic: ek.publicArea, akName: tpmName(parsePublicArea(ak.publicArea)), secret, random });
    expect(await node.activateCredential(ak, ek, made.credentialBlob, made.encryptedSecret)).toEqual(secret);
    const other = makeCredential({ ekPublic: ek.publicArea, akName: `000b${'00'.repeat(32)}`, secret, random });
    await expect(node.activateCredential(ak, ek, other.credentialBlob, other.encryptedSecret)).rejects.toThrow('answered 0x');
    await node.flush(ak);
    await node.flush(ek);
  }, 30_000);

  it('the EK certificate read from NV verifies where its authority is pinned', async () => {
    const ek = await node.createEk('rsa-2048');
    const { issuer, root } = node.tpm.authority();
    const rootDigest = `sha256:${createHash('sha256').update(root).digest('hex')}`;
    const input = { ekCertificate: await node.ekCertificate(), ekPublic: ek.publicArea, intermediates: [issuer], roots: [root] };
    expect(verifyEndorsement({ ...input, trustedRootDigests: [rootDigest] }, new Date()).rootDigest).toBe(rootDigest);
    await node.flush(ek);
  }, 30_000);

  it('a quote over a fresh challenge verifies, and a reboot is counted', async () => {
    const resets: number[] = [];
    for (let boot = 0; boot < 2; boot++) {
      const ak = await node.createAk('ecdsa-p256');
      const bindingDigest = random(32);
      await node.extend(7, 'a component');
      const evidence = await node.quote(ak, bindingDigest, [{ bank: 'sha256', indexes: [0, 7] }]);
      const claims = verifyTpm2Evidence(evidence, { akName: tpmName(parsePublicArea(ak.publicArea)), bindingDigest, requiredPcrs: { bank: 'sha256', indexes: [0, 7] } });
      resets.push(claims.clock?.resetCount ?? -1);
      if (boot === 0) await node.reboot();
    }
    expect(resets[1]).toBe((resets[0] ?? 0) + 1);
  }, 30_000);
});
