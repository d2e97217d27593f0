import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { capabilityToContainer, toContainer, type IdMap } from '../../namespaces/id-map.ts';
import { splitDevice } from '../../runtime/spec/spec-resources.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import { fromWire, toWire, type ContainerFs, type Place } from './container-fs.ts';
import { endOfArchive, padding, tarHeader, type TarEntry } from './tar-writer.ts';

const PIECE = 256 * 1024;
const KEPT_XATTRS = /^(security\.capability|user\.(?!overlay\.).+)$/;

export interface Walk {
  fs: ContainerFs;
  sys: Syscalls;
  signal: AbortSignal;
  idMap: IdMap | undefined;
  /** name in the archive by "device:inode", for hard links */
  links: Map<string, string>;
}

export interface ArchiveSource {
  fs: ContainerFs;
  /** the directory the entry lies in, and its name there; undefined for the root */
  parent: Place | undefined;
  place: Place;
  /** name of the first entry, without "/" at its end; '' gives names that start with "/" */
  name: string;
  /** names directly below the root, without the root itself */
  contentsOnly?: boolean;
  /** the container's ids, which the archive is to name */
  idMap?: IdMap | undefined;
}

/** A tar archive of a file, or of a directory and all below it. Sockets are left out; what goes meanwhile too. */
export async function* writeArchive(source: ArchiveSource, sys: Syscalls, signal: AbortSignal): AsyncGenerator<Buffer> {
  const walk: Walk = { fs: source.fs, sys, signal, idMap: source.idMap, links: new Map() };
  if (source.contentsOnly) yield* contents(walk, source.place, '');
  else yield* entry(walk, source.parent, source.place, source.name);
  yield endOfArchive();
}

async function* contents(walk: Walk, directory: Place, prefix: string): AsyncGenerator<Buffer> {
  for (const name of walk.fs.names(directory)) {
    if (walk.signal.aborted) return;
    const place = walk.fs.enter(directory, name);
    if (!place) continue;
    try {
      yield* entry(walk, directory, place, `${prefix}${name}`);
    } finally {
      place.close();
    }
  }
}

async function* entry(walk: Walk, parent: Place | undefined, place: Place, name: string): AsyncGenerator<Buffer> {
  yield* oneEntry(walk, parent, place, name);
  if (place.stats.isDirectory()) yield* contents(walk, place, `${name}/`);
}

/** A directory without what is in it. */
export async function* oneEntry(
  walk: Walk,
  parent: Place | undefined,
  place: Place,
  name: string,
): AsyncGenerator<Buffer> {
  const { stats } = place;
  const type = typeOf(stats);
  if (type === undefined) return;
  const idMap = place.plain ? undefined : walk.idMap;
  const header: TarEntry = {
    name: type === 'dir' ? `${name}/` : name,
    type,
    mode: stats.mode & 0o7777,
    uid: toContainer(idMap?.uid, stats.uid),
    gid: toContainer(idMap?.gid, stats.gid),
    size: 0,
    mtime: Math.floor(stats.mtimeMs / 1000),
    xattrs: xattrsOf(walk.sys, idMap, parent, place),
  };
  const key = `${stats.dev}:${stats.ino}`;
  const first = stats.nlink > 1 && type !== 'dir' ? walk.links.get(key) : undefined;
  if (first !== undefined) {
    yield tarHeader({ ...header, type: 'link', linkname: first, xattrs: undefined });
    return;
  }
  if (stats.nlink > 1) walk.links.set(key, name);
  if (type === 'file') {
    yield* file(header, place);
    return;
  }
  if (type === 'symlink') header.linkname = parent ? walk.fs.readLink(parent, lastPart(place.inside)) : '';
  if (type === 'char' || type === 'block') Object.assign(header, splitDevice(stats.rdev));
  yield tarHeader(header);
}

/** A file's content has the length its header says, whatever happens to the file: cut off, or filled up with zeros. */
async function* file(header: TarEntry, place: Place): AsyncGenerator<Buffer> {
  const handle = await open(place.path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = await handle.stat();
    yield tarHeader({ ...header, size });
    for (let left = size; left > 0;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(PIECE, left)));
      const piece = bytesRead > 0 ? buffer.subarray(0, bytesRead) : Buffer.alloc(Math.min(PIECE, left));
      left -= piece.length;
      yield piece;
    }
    yield padding(size);
  } finally {
    await handle.close();
  }
}

const lastPart = (path: string) => path.slice(path.lastIndexOf('/') + 1);

function typeOf(stats: Stats): TarEntry['type'] | undefined {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isCharacterDevice()) return 'char';
  return stats.isBlockDevice() ? 'block' : undefined;
}

function xattrsOf(
  sys: Syscalls,
  idMap: IdMap | undefined,
  parent: Place | undefined,
  place: Place,
): Map<string, Buffer> | undefined {
  if (place.stats.isSymbolicLink()) return undefined;
  const target = place.stats.isDirectory() ? `${place.path}/.` : parent && childText(parent, lastPart(place.inside));
  if (target === undefined) return undefined;
  const out = new Map<string, Buffer>();
  for (const name of sys.llistxattr(target)) {
    const value = KEPT_XATTRS.test(name) ? sys.lgetxattr(target, name) : undefined;
    const seen = value && name === 'security.capability' ? capabilityToContainer(idMap?.uid, value) : value;
    if (seen) out.set(name, seen);
  }
  return out.size > 0 ? out : undefined;
}

/** Calls through libc take text, so a name that is not UTF-8 has no path for them. */
export function childText(directory: Place, name: string): string | undefined {
  const text = toWire(name);
  return fromWire(text) === name ? `${directory.path}/${text}` : undefined;
}
