/**
 * glibc settings under which sealing runs about half again as fast: without them the memory of every output buffer above
 * 128 KiB comes fresh from the kernel, and idle arenas are given back and faulted in again. They are read once when a
 * process starts, so they belong in its unit file or spawn options; setting them later does nothing.
 */
export const MALLOC_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '4294967296',
  MALLOC_TOP_PAD_: '268435456',
};

/** The settings this process was started without; empty when all are there, or where there is no glibc. */
export function missingMallocEnvironment(environment: Readonly<Record<string, string | undefined>>, platform: string): Record<string, string> {
  if (platform !== 'linux') return {};
  return Object.fromEntries(Object.entries(MALLOC_ENVIRONMENT).filter(([name]) => environment[name] === undefined));
}
