import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemError } from '../../api/errors.ts';
import { writeAtomic } from '../../store/atomic.ts';
import { algorithmOf, digestOf } from '../digest.ts';
import type { ImagePaths } from './paths.ts';

/** What an interrupted pull left, is kept this long (milliseconds) for the next one to go on from. */
const KEEP_LEFTOVERS = 24 * 3600 * 1000;

/** Content by digest. A blob that is there is whole and verified. */
export class BlobStore {
  readonly #paths: ImagePaths;

  constructor(paths: ImagePaths) {
    this.#paths = paths;
  }

  has(digest: string): boolean {
    return existsSync(this.#paths.blob(digest));
  }
  path(digest: string): string {
    return this.#paths.blob(digest);
  }

  /** A small blob (manifest, configuration), verified again on each reading. */
  readSync(digest: string): Buffer {
    const content = readFileSync(this.#paths.blob(digest));
    if (digestOf(content, algorithmOf(digest)) !== digest)
      throw systemError(`the blob ${digest} in the image store is damaged`);
    return content;
  }

  /** Of a small one: there, and with the content its name says. */
  isWhole(digest: string): boolean {
    try {
      return digestOf(readFileSync(this.#paths.blob(digest)), algorithmOf(digest)) === digest;
    } catch {
      return false;
    }
  }

  /** `content` is known to have this digest. */
  async write(digest: string, content: Uint8Array): Promise<void> {
    if (this.has(digest)) return;
    await mkdir(dirname(this.#paths.blob(digest)), { recursive: true });
    await writeAtomic(this.#paths.blob(digest), content, 0o644);
  }

  /** The path to fetch a blob to; what is there already is its beginning. */
  async partial(digest: string): Promise<string> {
    await mkdir(this.#paths.ingest, { recursive: true });
    return this.#paths.partial(digest);
  }

  /** A fetched blob, whole and verified, becomes visible. */
  async adopt(digest: string): Promise<void> {
    await mkdir(dirname(this.#paths.blob(digest)), { recursive: true });
    await rename(this.#paths.partial(digest), this.#paths.blob(digest));
  }

  /** A file on the same file system, known to be whole and to have this digest, becomes the blob. Not synced. */
  async adoptFile(path: string, digest: string): Promise<void> {
    await mkdir(dirname(this.#paths.blob(digest)), { recursive: true });
    await chmod(path, 0o644);
    await rename(path, this.#paths.blob(digest));
  }

  /** Resolves to the bytes that were freed. */
  async remove(digest: string): Promise<number> {
    const size = (await stat(this.#paths.blob(digest)).catch(() => undefined))?.size ?? 0;
    await rm(this.#paths.blob(digest), { force: true });
    return size;
  }

  /** At start and in a prune: removes temporary files, and blobs that nothing uses and nobody has resumed for a day (`all`: at once). */
  async sweep(used: ReadonlySet<string>, all = false): Promise<number> {
    const limit = all ? Infinity : Date.now() - KEEP_LEFTOVERS;
    let freed = 0;
    const drop = async (path: string, always: boolean) => {
      const found = await stat(path).catch(() => undefined);
      if (!found || (!always && found.mtimeMs >= limit)) return;
      await rm(path, { force: true });
      freed += found.size;
    };
    for (const algorithm of await names(this.#paths.blobs))
      for (const hex of await names(join(this.#paths.blobs, algorithm)))
        if (!used.has(`${algorithm}:${hex}`)) await drop(join(this.#paths.blobs, algorithm, hex), hex.endsWith('.tmp'));
    for (const name of await names(this.#paths.ingest))
      if (!used.has(name.replace('-', ':'))) await drop(join(this.#paths.ingest, name), false);
    return freed;
  }
}

async function names(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
