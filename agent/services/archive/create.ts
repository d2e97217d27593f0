import type { Readable } from 'node:stream';
import { EngineError, invalid } from '../../api/errors.ts';
import type { FilesystemChange, MountPoint } from '../../api/container.ts';
import type { ImageSource } from '../../images/types.ts';
import { TarError, TarReader } from '../../images/tar/reader.ts';
import { createDecompressor } from '../../images/unpack/decompress.ts';
import { lookUpUser } from '../../runtime/spec/user.ts';
import type { Layout } from '../../store/layout.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerLookup } from '../containers/types.ts';
import type { EventSink } from '../events/types.ts';
import { overlayChanges } from './changes.ts';
import { ContainerFs, fromWire, toWire, type Mounted, type Place } from './container-fs.ts';
import { ArchiveExtractor, type ExtractOptions } from './extract-archive.ts';
import { pathStat, type PathStat } from './path-stat.ts';
import { writeArchive } from './write-archive.ts';

export interface ArchiveParts {
  containers: ContainerLookup;
  images: ImageSource;
  layout: Layout;
  sys: Syscalls;
  events?: EventSink;
}

export interface PutOptions {
  noOverwriteDirNonDir: boolean;
  copyUidGid: boolean;
}

/** What the archive router calls. */
export interface ArchiveBackend {
  stat(reference: string, path: string): Promise<PathStat>;
  /** `send` is given what the path is and the archive, which is good until `send` ends. */
  read(
    reference: string,
    path: string,
    signal: AbortSignal,
    send: (stat: PathStat, archive: AsyncIterable<Buffer>) => Promise<void>,
  ): Promise<void>;
  /** Unpacks a tar archive, plain or compressed, into a directory. */
  write(reference: string, path: string, archive: Readable, options: PutOptions): Promise<void>;
  /** All of the root, without what is mounted into it. */
  export(
    reference: string,
    signal: AbortSignal,
    send: (archive: AsyncIterable<Buffer>) => Promise<void>,
  ): Promise<void>;
  changes(reference: string): Promise<FilesystemChange[]>;
}

export function createArchive(parts: ArchiveParts): ArchiveBackend {
  const { containers, images, layout, sys } = parts;
  const emit = (record: ContainerRecord, action: string) =>
    parts.events?.emit('container', action, record.id, {
      image: record.imageName,
      name: record.name,
      ...record.config.Labels,
    });
  return {
    stat: (reference, path) => {
      const record = containers.get(reference);
      return withFiles(containers, record, async (fs) =>
        onPath(fs, reference, path, ({ place, parent }) => pathStat(fs, place, parent, path)),
      );
    },
    read: (reference, path, signal, send) => {
      const record = containers.get(reference);
      return withFiles(containers, record, (fs) =>
        onPath(fs, reference, path, async ({ place, parent }) => {
          const stat = pathStat(fs, place, parent, path);
          emit(record, 'archive-path');
          await send(
            stat,
            writeArchive({ fs, parent, place, name: archiveName(path, place), idMap: record.idMap }, sys, signal),
          );
        }),
      );
    },
    write: (reference, path, archive, options) => {
      const record = containers.get(reference);
      return withFiles(containers, record, async (fs, root) => {
        await extract(fs, { record, reference }, path, archive, sys, {
          noOverwriteDirNonDir: options.noOverwriteDirNonDir,
          idMap: record.idMap,
          owner: options.copyUidGid && record.config.User ? await lookUpUser(root, record.config.User) : undefined,
        });
        emit(record, 'extract-to-dir');
      });
    },
    export: (reference, signal, send) => {
      const record = containers.get(reference);
      return containers.withRoot(record.id, async (root) => {
        const fs = new ContainerFs(root);
        const place = fs.root();
        try {
          await send(
            writeArchive(
              { fs, parent: undefined, place, name: '', contentsOnly: true, idMap: record.idMap },
              sys,
              signal,
            ),
          );
          emit(record, 'export');
        } finally {
          place.close();
          fs.close();
        }
      });
    },
    changes: async (reference) => {
      const record = containers.get(reference);
      return overlayChanges(
        layout.overlay(record.id).upper,
        images.byId(record.imageId)?.lowerdirs ?? [],
        sys,
        record.idMap,
      );
    },
  };
}

/**
 * Running: what its processes see. Else its root, with its volumes and binds where they would be. With ids of its own, a container has
 * its volumes by id-mapped mounts, in which the engine could not make a file: they are reached where they lie.
 */
async function withFiles<T>(
  containers: ContainerLookup,
  record: ContainerRecord,
  use: (fs: ContainerFs, root: string) => Promise<T>,
): Promise<T> {
  const open = async (root: string, mounts?: Map<string, Mounted>) => {
    const fs = new ContainerFs(root, mounts);
    try {
      return await use(fs, root);
    } finally {
      fs.close();
    }
  };
  const points = record.mounts.filter((point) => point.Source !== '');
  const mounts = new Map(
    points.map((point) => [
      fromWire(point.Destination),
      { path: point.Source, plain: record.idMap !== undefined && point.Type === 'volume' },
    ]),
  );
  const { Running: running, Pid: pid } = record.state;
  if (running && pid > 0) return open(`/proc/${pid}/root`, record.idMap && mounts);
  return containers.withRoot(record.id, (root) => open(root, mounts));
}

interface OnPath {
  place: Place;
  /** the directory it lies in; undefined for the root */
  parent: Place | undefined;
}

/** The container goes by what the client called it. */
const missing = (path: string, reference: string) =>
  new EngineError('not-found', `Could not find the file ${path} in container ${reference}`);

/** Finds what `path` names: the last component itself, unless the path ends in "/" or "/.", which follow it. */
async function onPath<T>(
  fs: ContainerFs,
  reference: string,
  path: string,
  use: (found: OnPath) => T | Promise<T>,
): Promise<T> {
  const follow = /(^|\/)\.?$/.test(path);
  const { place } = fs.find(fromWire(path), follow);
  if (!place) throw missing(path, reference);
  let parent: Place | undefined;
  try {
    if (follow && !place.stats.isDirectory()) throw invalid(`${path}: not a directory`);
    parent =
      place.inside === '/' ? undefined : fs.find(place.inside.slice(0, place.inside.lastIndexOf('/')), false).place;
    return await use({ place, parent });
  } finally {
    parent?.close();
    place.close();
  }
}

/** The first name in the archive: the last component as it was written ("." for "a/."); '' for the root. */
function archiveName(path: string, place: Place): string {
  if (/(^|\/)\.$/.test(path)) return '.';
  const last = fromWire(path).split('/').filter(Boolean).pop();
  return last === undefined || last === '..' ? place.inside.slice(place.inside.lastIndexOf('/') + 1) : last;
}

async function extract(
  fs: ContainerFs,
  { record, reference }: { record: ContainerRecord; reference: string },
  path: string,
  archive: Readable,
  sys: Syscalls,
  options: ExtractOptions,
): Promise<void> {
  const { place: target } = fs.find(fromWire(path));
  if (!target) throw missing(path, reference);
  try {
    if (!target.stats.isDirectory()) throw invalid('extraction point is not a directory');
    checkWritable(record, target.inside);
    const extractor = new ArchiveExtractor(fs, target, sys, options);
    try {
      await readInto(archive, extractor);
      extractor.finish();
    } finally {
      extractor.close();
    }
  } catch (error) {
    throw asExpected(error, path);
  } finally {
    target.close();
  }
}

async function readInto(archive: Readable, extractor: ArchiveExtractor): Promise<void> {
  const reader = new TarReader(extractor);
  const plain = createDecompressor((chunk) => reader.push(chunk));
  try {
    for await (const chunk of archive as AsyncIterable<Buffer>) await plain.write(chunk);
    await plain.end();
    reader.end();
  } finally {
    plain.destroy();
  }
}

/** What the archive or the container's files brought about is an answer, not a bug. */
function asExpected(error: unknown, path: string): unknown {
  if (error instanceof EngineError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (error instanceof TarError || code?.startsWith('Z_') || code?.startsWith('ZSTD_'))
    return invalid(`Error processing tar file(exit status 1): ${(error as Error).message}`, error);
  if (code === 'EROFS') return invalid(`${path}: read-only file system`, error);
  if (code === undefined) return error;
  return new EngineError(
    'system',
    `${path}: ${(error as Error).message.replace(/'?\/proc\/self\/fd\/\d+\/?/g, "'")}`,
    error,
  );
}

/** A read-only root may have writable volumes, and the other way round: the nearest mount decides. */
function checkWritable(record: ContainerRecord, inside: string): void {
  const path = toWire(inside);
  const holds = (point: MountPoint) => path === point.Destination || path.startsWith(`${point.Destination}/`);
  const nearest = record.mounts.filter(holds).sort((a, b) => b.Destination.length - a.Destination.length)[0];
  if (nearest && !nearest.RW) throw invalid('mounted volume is marked read-only');
  if (nearest) return;
  const tmpfs = Object.keys(record.hostConfig.Tmpfs ?? {}).some(
    (target) => path === target || path.startsWith(`${target}/`),
  );
  if (record.hostConfig.ReadonlyRootfs && !tmpfs) throw invalid('container rootfs is marked read-only');
}
