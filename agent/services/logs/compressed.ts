import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { identityOf, openMaybe } from './identity.ts';

/** RFC 1952: ten bytes, of which the fourth has the flags; with FCOMMENT a text follows, ended by a NUL. */
const HEADER = 10;
const FLAGS = 3;
const FCOMMENT = 0x10;

export interface CompressedLog {
  /** of the file it was made from */
  readonly identity: string;
  unpack(into: FileHandle): Promise<void>;
  close(): Promise<void>;
}

/** Packs a file that nobody writes any more into `path.gz`. Its identity goes with it as the comment: readers know it again by that. */
export async function compressLog(path: string): Promise<void> {
  const handle = await open(path, 'r');
  const draft = `${path}.gz.draft`;
  try {
    const identity = await identityOf(handle);
    await pipeline(
      createReadStream('', { fd: handle.fd, autoClose: false, highWaterMark: 256 * 1024 }),
      createGzip(),
      withComment(identity),
      createWriteStream(draft, { mode: 0o640, flush: true }),
    );
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(draft, `${path}.gz`);
  await rm(path, { force: true });
}

function withComment(comment: string): Transform {
  let head: Buffer | undefined = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (head === undefined) return done(null, chunk);
      head = Buffer.concat([head, chunk]);
      if (head.length < HEADER) return done();
      const all = head;
      head = undefined;
      all[FLAGS] = (all[FLAGS] ?? 0) | FCOMMENT;
      done(null, Buffer.concat([all.subarray(0, HEADER), Buffer.from(`${comment}\0`), all.subarray(HEADER)]));
    },
  });
}

/** Undefined when there is none. */
export async function openCompressed(path: string): Promise<CompressedLog | undefined> {
  const handle = await openMaybe(path);
  if (handle === undefined) return undefined;
  try {
    const head = Buffer.alloc(HEADER + 64);
    await handle.read(head, 0, head.length, 0);
    const end = head.indexOf(0, HEADER);
    const named = ((head[FLAGS] ?? 0) & FCOMMENT) !== 0 && end > 0;
    return {
      identity: named ? head.toString('latin1', HEADER, end) : await identityOf(handle),
      unpack: (into) =>
        pipeline(
          createReadStream('', { fd: handle.fd, autoClose: false, start: 0 }),
          createGunzip(),
          createWriteStream('', { fd: into.fd, autoClose: false, start: 0 }),
        ),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
