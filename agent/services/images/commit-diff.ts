import type { FilesystemChange } from '../../api/container.ts';
import type { IdMap } from '../../namespaces/id-map.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import { rawChanges } from '../archive/changes.ts';
import { ContainerFs, type Place } from '../archive/container-fs.ts';
import { endOfArchive, tarHeader } from '../archive/tar-writer.ts';
import { oneEntry, type Walk } from '../archive/write-archive.ts';

const DELETED = 2;

export interface DiffSource {
  /** the overlay's upper directory */
  upper: string;
  /** of the image, uppermost first */
  lowers: readonly string[];
  idMap?: IdMap | undefined;
}

/**
 * The archive of a layer with what a container changed (OCI image specification, layer.md): what is gone as a whiteout of its own, so that
 * a directory replaced as a whole needs no opaque marker. Undefined when nothing was changed.
 */
export async function diffArchive(
  { upper, lowers, idMap }: DiffSource,
  sys: Syscalls,
  signal: AbortSignal,
): Promise<AsyncGenerator<Buffer> | undefined> {
  const changes = await rawChanges(upper, lowers, sys, idMap);
  if (changes.length === 0) return undefined;
  changes.sort(byDepth);
  return write(upper, changes, { sys, signal, idMap, links: new Map() });
}

/** A directory, then all that is in it, then its neighbours: "/" counts less than any other character. */
function byDepth(a: FilesystemChange, b: FilesystemChange): number {
  const [left, right] = [a.Path.replaceAll('/', '\0'), b.Path.replaceAll('/', '\0')];
  return left < right ? -1 : left > right ? 1 : 0;
}

async function* write(
  upper: string,
  changes: readonly FilesystemChange[],
  options: Omit<Walk, 'fs'>,
): AsyncGenerator<Buffer> {
  const fs = new ContainerFs(upper);
  const walk: Walk = { ...options, fs };
  // the open directories above the entry: a container that exchanges one for a link meanwhile leads nowhere
  const stack: Place[] = [fs.root()];
  try {
    for (const { Path, Kind } of changes) {
      const at = Path.lastIndexOf('/');
      const parent = closeUpTo(stack, Path.slice(0, at) || '/');
      if (!parent) continue;
      const base = Path.slice(at + 1);
      if (Kind === DELETED) {
        yield whiteout(`${Path.slice(1, at + 1)}.wh.${base}`);
        continue;
      }
      const place = fs.enter(parent, base);
      // gone meanwhile
      if (!place) continue;
      if (place.stats.isDirectory()) stack.push(place);
      try {
        yield* oneEntry(walk, parent, place, Path.slice(1));
      } finally {
        if (!place.stats.isDirectory()) place.close();
      }
    }
    yield endOfArchive();
  } finally {
    for (const place of stack) place.close();
    fs.close();
  }
}

/** The open directory of that path, all below it closed; undefined when it is none any more. */
function closeUpTo(stack: Place[], inside: string): Place | undefined {
  for (let top = stack.at(-1); top && stack.length > 1; top = stack.at(-1)) {
    if (top.inside === inside || inside.startsWith(`${top.inside}/`)) break;
    stack.pop()?.close();
  }
  const top = stack.at(-1);
  return top?.inside === inside ? top : undefined;
}

const whiteout = (name: string) =>
  tarHeader({ name, type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime: Math.floor(Date.now() / 1000) });
