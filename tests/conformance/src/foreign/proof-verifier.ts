import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGoTool, run, type ForeignTool } from './go-tool.js';

const source = resolve(fileURLToPath(import.meta.url), '../../../foreign/verify-proof');

/** A program of a few lines around Torchwood's `ParsePolicy` and `VerifyProof`; its modules are pinned by `go.sum`. */
export function buildProofVerifier(): Promise<ForeignTool> {
  return buildGoTool({
    name: 'torchwood-v0.9.0/verify-proof',
    args: ['build', '-mod=readonly', '-o', '{out}/verify-proof', '.'],
    workingFolder: source,
    module: 'filippo.io/torchwood',
    sum: 'h1:2W156cI7K3MyxEyNTuS1C9lYEW7y1u7PoHLmvgNsiZc=',
  });
}

/** Whether Torchwood accepts this proof for this entry under this policy. All three are paths of files. */
export async function runProofVerifier(program: string, files: { readonly policy: string; readonly proof: string; readonly entry: string }): Promise<boolean> {
  const { exitCode, output } = await run(program, [files.policy, files.proof, files.entry], { timeoutMs: 30_000 });
  return exitCode === 0 && output.includes('verified');
}
