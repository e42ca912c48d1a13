/** What of our own environment a program needs to run at all. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ', 'USER', 'LOGNAME'] as const;

/**
 * The environment of a program: nothing a shell may hold by chance (`DATABASE_URL`, `STRONGROOM_PORT`, `NODE_OPTIONS`) changes
 * what its configuration file says.
 */
export function childEnvironment(more: Readonly<Record<string, string | undefined>> = {}, own: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const passed = PASSED_ON.map((name) => [name, own[name]] as const);
  return Object.fromEntries([...passed, ...Object.entries(more)].filter((entry): entry is [string, string] => entry[1] !== undefined));
}
