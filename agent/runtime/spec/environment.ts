export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Puts `overrides` over `base` by name; an entry without "=" takes the name away, as Docker does. */
export function mergeEnvironment(base: readonly string[], overrides: readonly string[]): string[] {
  const nameOf = (entry: string) => entry.split('=', 1)[0] as string;
  const merged = new Map(base.map((entry) => [nameOf(entry), entry]));
  for (const entry of overrides) {
    if (entry.includes('=')) merged.set(nameOf(entry), entry);
    else merged.delete(entry);
  }
  return [...merged.values()];
}

/** What a container's processes start with: defaults, then the user's, then HOME when nobody has said. */
export function containerEnvironment(options: {
  hostname: string;
  tty: boolean;
  env: readonly string[];
  home: string;
}): string[] {
  const base = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${options.hostname}`, ...(options.tty ? ['TERM=xterm'] : [])];
  const env = mergeEnvironment(base, options.env);
  return env.some((entry) => entry.startsWith('HOME=')) ? env : [...env, `HOME=${options.home}`];
}
