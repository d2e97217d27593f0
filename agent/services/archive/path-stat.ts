import type { Stats } from 'node:fs';
import { toWire, type ContainerFs, type Place } from './container-fs.ts';

/** `X-Docker-Container-Path-Stat`. */
export interface PathStat {
  name: string;
  size: number;
  /** Go's os.FileMode */
  mode: number;
  /** RFC 3339 */
  mtime: string;
  /** where a link leads in the end, from inside; '' for anything else */
  linkTarget: string;
}

/** Bits of Go's os.FileMode (io/fs) beside the permissions. */
const GO = {
  dir: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  pipe: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  char: 2 ** 21,
  sticky: 2 ** 20,
};

/** A mode as Go has it. */
export function goMode(stats: Stats): number {
  let mode = stats.mode & 0o777;
  if (stats.mode & 0o4000) mode += GO.setuid;
  if (stats.mode & 0o2000) mode += GO.setgid;
  if (stats.mode & 0o1000) mode += GO.sticky;
  if (stats.isDirectory()) return mode + GO.dir;
  if (stats.isSymbolicLink()) return mode + GO.symlink;
  if (stats.isFIFO()) return mode + GO.pipe;
  if (stats.isSocket()) return mode + GO.socket;
  if (stats.isCharacterDevice()) return mode + GO.device + GO.char;
  return stats.isBlockDevice() ? mode + GO.device : mode;
}

/** What `path` (as asked for) is; `parent` is the directory of `place`, undefined for the root. */
export function pathStat(fs: ContainerFs, place: Place, parent: Place | undefined, path: string): PathStat {
  const { stats } = place;
  let linkTarget = '';
  if (stats.isSymbolicLink() && parent) {
    const found = fs.find(place.inside);
    linkTarget = toWire(found.inside);
    found.place?.close();
  }
  const last =
    path
      .split('/')
      .filter((part) => part !== '')
      .pop() ?? '/';
  return {
    name: last,
    size: stats.size,
    mode: goMode(stats),
    mtime: new Date(stats.mtimeMs).toISOString(),
    linkTarget,
  };
}
