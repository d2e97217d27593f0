import { createHash, type Hash } from 'node:crypto';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { invalid, systemError } from '../../api/errors.ts';
import { TarError, TarReader, type TarHandler, type TarHeader } from '../../images/tar/reader.ts';
import { cleanParts, BreakoutError } from '../../images/unpack/layer-path.ts';
import { isZstd } from '../../images/unpack/zstd-frames.ts';
import { inflate } from './inflate.ts';

/** A file of an archive, on disk in a place of ours. */
export interface StagedFile {
  path: string;
  size: number;
  /** of its content: as its name says (`blobs/ALGORITHM/HEX`: to be verified), or computed */
  digest: string;
  compression: 'gzip' | 'zstd' | 'none';
}

const MAX_LINKS = 10;
/** Metadata larger than this is none. */
const MAX_JSON = 16 * 1024 * 1024;
/** More files than this no archive of images has. */
const MAX_FILES = 50_000;
const BLOB = /^blobs\/([a-z0-9]+)\/([0-9a-f]{64,128})$/;

interface Writing {
  name: string;
  path: string;
  size: number;
  hash: Hash | undefined;
  head: Buffer;
}

/** The files of an image archive as they were received: names as in the archive, content in numbered files of one directory. */
export class StagedArchive {
  readonly #files = new Map<string, StagedFile>();
  readonly #links = new Map<string, string>();

  add(name: string, file: StagedFile): void {
    this.#files.set(name, file);
    this.#links.delete(name);
  }
  link(name: string, target: string): void {
    this.#links.set(name, target);
  }

  /** By its name in the archive, through links (older Docker writes a layer that two images have once). */
  find(name: string): StagedFile | undefined {
    let at = tidy(name);
    for (let links = 0; at !== undefined && links <= MAX_LINKS; links += 1) {
      const file = this.#files.get(at);
      if (file) return file;
      at = this.#links.get(at);
    }
    return undefined;
  }

  /** A small file's content. Throws in Docker's words when it is not there. */
  async read(name: string): Promise<Buffer> {
    const file = this.find(name);
    if (!file) throw systemError(`open ${name}: no such file or directory`);
    if (file.size > MAX_JSON) throw systemError(`${name} in the archive is too large for what it should be`);
    return readFile(file.path);
  }
}

function tidy(name: string): string | undefined {
  try {
    return cleanParts(Buffer.from(name, 'utf8').toString('latin1')).join('/');
  } catch {
    return undefined;
  }
}

/**
 * Writes every regular file of a tar archive, plain or compressed, below `directory`, in the memory of a piece at a time. Directories,
 * devices and owners are not wanted. Throws `invalid-parameter` for what is no archive.
 */
export async function stageArchive(body: AsyncIterable<Buffer>, directory: string): Promise<StagedArchive> {
  const archive = new StagedArchive();
  const writer = new StageWriter(archive, directory);
  const reader = new TarReader(writer);
  try {
    for await (const chunk of inflate(body)) {
      reader.push(chunk);
      await writer.flush();
    }
    reader.end();
    return archive;
  } catch (error) {
    if (error instanceof TarError || error instanceof BreakoutError)
      throw invalid(`Error processing tar file(exit status 1): ${error.message}`, error);
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
      throw systemError(`write ${directory}: no space left on device`, error);
    throw error;
  } finally {
    await writer.close();
  }
}

class StageWriter implements TarHandler {
  readonly #archive: StagedArchive;
  readonly #directory: string;
  #count = 0;
  #current: Writing | undefined;
  /** what the reader has handed over since the last flush, in order */
  #todo: (() => Promise<void>)[] = [];
  #handle: FileHandle | undefined;

  constructor(archive: StagedArchive, directory: string) {
    this.#archive = archive;
    this.#directory = directory;
  }

  entry(header: TarHeader): void {
    const parts = cleanParts(header.name);
    const name = parts.join('/');
    this.#current = undefined;
    if (header.type === 'link') this.#archive.link(name, cleanParts(header.linkname).join('/'));
    if (header.type === 'symlink') this.#archive.link(name, within(parts.slice(0, -1), header.linkname));
    if (header.type !== 'file') return;
    if ((this.#count += 1) > MAX_FILES) throw new TarError('too many files for an archive of images');
    const path = join(this.#directory, String(this.#count));
    const hash = BLOB.test(name) ? undefined : createHash('sha256');
    const writing: Writing = { name, path, size: header.size, hash, head: Buffer.alloc(0) };
    this.#current = writing;
    this.#todo.push(async () => {
      this.#handle = await open(path, 'wx', 0o600);
    });
    if (header.size === 0) this.#finish(writing);
  }

  content(chunk: Buffer, last: boolean): void {
    const writing = this.#current;
    if (!writing) return;
    writing.hash?.update(chunk);
    if (writing.head.length < 4) writing.head = Buffer.concat([writing.head, chunk.subarray(0, 4)]);
    this.#todo.push(async () => {
      for (let at = 0; at < chunk.length;) at += (await (this.#handle as FileHandle).write(chunk, at)).bytesWritten;
    });
    if (last) this.#finish(writing);
  }

  #finish({ name, path, size, hash, head }: Writing): void {
    this.#current = undefined;
    const [, algorithm, hex] = BLOB.exec(name) ?? [];
    const digest = hash ? `sha256:${hash.digest('hex')}` : `${algorithm}:${hex}`;
    this.#archive.add(name, { path, size, digest, compression: compressionOf(head) });
    this.#todo.push(() => this.close());
  }

  async flush(): Promise<void> {
    const todo = this.#todo;
    this.#todo = [];
    for (const step of todo) await step();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

function compressionOf(head: Buffer): StagedFile['compression'] {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length >= 4 && isZstd(head.readUInt32LE(0))) return 'zstd';
  return 'none';
}

/** Where a link in `directory` leads, as if the archive were all there is. */
function within(directory: readonly string[], target: string): string {
  const parts = target.startsWith('/') ? [] : [...directory];
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
