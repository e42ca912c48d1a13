import { chmod, mkdir } from 'node:fs/promises';

/** Root's place for what the database's account cannot reach in a checkout. Anybody may pass through, only root may list or write. */
export const systemFolder = '/var/lib/strongroom';

export async function prepareSystemFolder(): Promise<void> {
  await mkdir(systemFolder, { recursive: true, mode: 0o711 });
  await chmod(systemFolder, 0o711);
}
