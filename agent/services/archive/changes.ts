import { closeSync, constants, openSync, type Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import type { FilesystemChange } from '../../api/container.ts';
import { toContainer, type IdMap } from '../../namespaces/id-map.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import { bytes, fromWire, toWire } from './container-fs.ts';

const MODIFIED = 0;
const ADDED = 1;
const DELETED = 2;

/** What the runtime puts into the root for its mounts: empty places that Docker keeps in a layer of their own. */
const PLACES: ReadonlySet<string> = new Set([
  '/.dockerenv',
  '/run/.containerenv',
  '/dev',
  '/dev/console',
  '/dev/pts',
  '/dev/shm',
  '/dev/mqueue',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/mtab',
  '/etc/resolv.conf',
  '/proc',
  '/sys',
  '/sbin/docker-init',
]);
const PLACE_PARENTS: ReadonlySet<string> = new Set(['/etc', '/dev', '/sbin', '/run']);

/** A whiteout: what is below it is gone (overlayfs, "whiteouts and opaque directories"). */
const isWhiteout = (stats: Stats) => stats.isCharacterDevice() && stats.rdev === 0;

interface Walk {
  sys: Syscalls;
  idMap: IdMap | undefined;
  out: FilesystemChange[];
}

/**
 * What a container changed of its image: the upper directory of its overlay against the lower ones (uppermost first). A changed
 * directory is named before what changed in it, as Docker does. `idMap`: the upper has the ids of a user namespace.
 */
export async function overlayChanges(
  upper: string,
  lowers: readonly string[],
  sys: Syscalls,
  idMap?: IdMap,
): Promise<FilesystemChange[]> {
  const found = await rawChanges(upper, lowers, sys, idMap);
  return found
    .map(({ Path, Kind }) => ({ Path: toWire(Path), Kind }))
    .sort((a, b) => (a.Path < b.Path ? -1 : a.Path > b.Path ? 1 : 0));
}

/** As `overlayChanges`, in no order, with paths as bytes (latin1): names need not be UTF-8. */
export async function rawChanges(
  upper: string,
  lowers: readonly string[],
  sys: Syscalls,
  idMap?: IdMap,
): Promise<FilesystemChange[]> {
  const walk: Walk = { sys, idMap, out: [] };
  await walkDirectory(walk, fromWire(upper), lowers.map(fromWire), '');
  return walk.out;
}

const namesIn = (directory: string) => readdir(bytes(directory), { encoding: 'latin1' });
const statsOf = (path: string) => lstat(bytes(path)).catch(() => undefined);

/** True when anything in the directory was changed by the container itself. */
async function walkDirectory(walk: Walk, upper: string, lowers: readonly string[], inside: string): Promise<boolean> {
  let changed = false;
  const names = await namesIn(upper);
  for (const name of names) if (await walkEntry(walk, upper, lowers, inside, name)) changed = true;
  if (inside !== '' && isOpaque(walk.sys, upper)) {
    // All that was there before is gone, but for what stands here again.
    const here = new Set(names);
    for (const name of await lowerNames(walk.sys, lowers)) {
      if (here.has(name)) continue;
      walk.out.push({ Path: `${inside}/${name}`, Kind: DELETED });
      changed = true;
    }
  }
  return changed;
}

async function walkEntry(
  walk: Walk,
  upper: string,
  lowers: readonly string[],
  inside: string,
  name: string,
): Promise<boolean> {
  const path = `${inside}/${name}`;
  const full = `${upper}/${name}`;
  const stats = await statsOf(full);
  if (!stats) return false;
  const below = await lowerEntry(walk.sys, lowers, name);
  if (isWhiteout(stats)) {
    if (!below.stats) return false;
    walk.out.push({ Path: path, Kind: DELETED });
    return true;
  }
  if (!stats.isDirectory()) {
    if (!below.stats && PLACES.has(path) && stats.size === 0) return false;
    walk.out.push({ Path: path, Kind: below.stats ? MODIFIED : ADDED });
    return true;
  }
  const inner = await walkDirectory(walk, full, below.stats?.isDirectory() ? below.directories : [], path);
  if (!below.stats) {
    if (!inner && (PLACES.has(path) || PLACE_PARENTS.has(path))) return false;
    walk.out.push({ Path: path, Kind: ADDED });
    return true;
  }
  if (!inner && sameDirectory(walk, stats, below.stats, PLACE_PARENTS.has(path))) return false;
  walk.out.push({ Path: path, Kind: MODIFIED });
  return true;
}

/** The runtime's own places move the time of the directory they are made in. */
function sameDirectory({ idMap }: Walk, a: Stats, b: Stats, ignoreTime: boolean): boolean {
  const sameOwner = toContainer(idMap?.uid, a.uid) === b.uid && toContainer(idMap?.gid, a.gid) === b.gid;
  return b.isDirectory() && a.mode === b.mode && sameOwner && (ignoreTime || Math.abs(a.mtimeMs - b.mtimeMs) < 1);
}

function isOpaque(sys: Syscalls, directory: string): boolean {
  const asked = (path: string) =>
    ['trusted.overlay.opaque', 'user.overlay.opaque'].some((name) => sys.lgetxattr(path, name)?.toString() === 'y');
  const text = toWire(directory);
  if (fromWire(text) === directory) return asked(text);
  // libc is given text, and this name is none
  const fd = openSync(bytes(directory), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return asked(`/proc/self/fd/${fd}/.`);
  } finally {
    closeSync(fd);
  }
}

/** `name` as it is seen in the layers below, and the directories it is merged from. */
async function lowerEntry(
  sys: Syscalls,
  lowers: readonly string[],
  name: string,
): Promise<{ stats: Stats | undefined; directories: string[] }> {
  const directories: string[] = [];
  let seen: Stats | undefined;
  for (const lower of lowers) {
    const path = `${lower}/${name}`;
    const stats = await statsOf(path);
    if (!stats) continue;
    if (isWhiteout(stats) || (seen && !stats.isDirectory())) break;
    seen ??= stats;
    if (!stats.isDirectory()) break;
    directories.push(path);
    if (isOpaque(sys, path)) break;
  }
  return { stats: seen, directories };
}

async function lowerNames(sys: Syscalls, lowers: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const lower of lowers) for (const name of await namesIn(lower).catch(() => [])) names.add(name);
  const visible: string[] = [];
  for (const name of names) if ((await lowerEntry(sys, lowers, name)).stats) visible.push(name);
  return visible;
}
