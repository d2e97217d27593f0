import { readFileSync } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { readLock } from './lock.ts';
import { npmFolders } from './npm.ts';
import { ARCHITECTURES } from './recipe.ts';

/** Of each architecture. */
const IMAGES = 2;
const BASES = 2;
/** Milliseconds: what was used so lately stays, however much that is; who asked for it may be about to start it. */
const GRACE = 10 * 60 * 1000;

/** Notes that it is in use. */
export const touch = (path: string, now = Date.now()): Promise<void> => utimes(path, now / 1000, now / 1000);

/** The command lines of what runs on this machine; undefined where they cannot be read. */
export async function commandLines(): Promise<string | undefined> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  if (pids.length === 0) return undefined;
  return pids.map((pid) => tryRead(`/proc/${pid}/cmdline`)).join('\n');
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended
  }
}

/**
 * Takes away what no build and no machine needs any more: of images and bases, all but the last two, those used within ten minutes and
 * those that a process was started with; packages that are not in the manifest; what killed builds left. Only one build at a time may.
 */
export async function prune(
  cache: string,
  { now = Date.now(), processes = commandLines }: { now?: number; processes?: () => Promise<string | undefined> } = {},
): Promise<void> {
  const running = await processes();
  if (running === undefined) return;
  const lately = async (path: string) => now - (await stat(path)).mtimeMs < GRACE;
  for (const [kind, keep] of [
    ['images', IMAGES],
    ['base', BASES],
  ] as const) {
    const folder = join(cache, kind);
    for (const names of await groups(folder))
      for (const name of names.slice(keep))
        if (!running.includes(join(folder, name)) && !(await lately(join(folder, name)))) await away(folder, name);
    for (const name of await entries(folder))
      if (name.startsWith('.work-') && !(await lately(join(folder, name)))) await away(folder, name);
  }
  const wanted = new Set(ARCHITECTURES.flatMap((architecture) => readLock(architecture).map(({ file }) => file)));
  for (const name of await entries(join(cache, 'debs')))
    if (!wanted.has(name) && !(await lately(join(cache, 'debs', name))))
      await rm(join(cache, 'debs', name), { recursive: true });
  const npm = new Set(ARCHITECTURES.flatMap(npmFolders));
  for (const name of await entries(join(cache, 'npm'))) if (!npm.has(name)) await away(join(cache, 'npm'), name);
}

const entries = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** The names of one architecture each, those used last first. */
async function groups(folder: string): Promise<string[][]> {
  const names = (await entries(folder)).filter((name) => !name.startsWith('.'));
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })));
  const ordered = aged.sort((a, b) => b.at - a.at).map(({ name }) => name);
  return ARCHITECTURES.map((architecture) => ordered.filter((name) => name.split('-').includes(architecture)));
}

/** Under another name first: half of a folder is never taken for a whole one. */
async function away(folder: string, name: string): Promise<void> {
  const gone = join(folder, name.startsWith('.work-') ? name : `.work-gone-${name}`);
  await rename(join(folder, name), gone);
  await rm(gone, { recursive: true, force: true });
}
