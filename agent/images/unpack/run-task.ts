import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { EngineError, systemError } from '../../api/errors.ts';
import { syscalls } from '../../system/syscalls.ts';
import { algorithmOf } from '../digest.ts';
import { TarError, TarReader } from '../tar/reader.ts';
import { blobChunks } from './blob-source.ts';
import { createDecompressor } from './decompress.ts';
import { BreakoutError } from './layer-path.ts';
import type { LayerTask } from './protocol.ts';
import { Unpacker } from './unpacker.ts';

export interface TaskEvents {
  onBytes(total: number): void;
  onRetry(seconds: number): void;
  onVerified(): void;
}

/** The stages after the fetch: decompression, digest of the archive, unpacking. */
function createUnpackPipe(unpack: NonNullable<LayerTask['unpack']>) {
  mkdirSync(unpack.directory, { mode: 0o755 });
  const unpacker = new Unpacker(unpack.directory, { sys: syscalls, overlayPrefix: unpack.overlayPrefix });
  const reader = new TarReader(unpacker);
  const hash = createHash(algorithmOf(unpack.diffId));
  const decompressor = createDecompressor((chunk) => {
    hash.update(chunk);
    reader.push(chunk);
  });
  return {
    write: (chunk: Buffer) => decompressor.write(chunk),
    finish: async () => {
      await decompressor.end();
      reader.end();
      const found = `${algorithmOf(unpack.diffId)}:${hash.digest('hex')}`;
      if (found !== unpack.diffId)
        throw systemError(`wrong diff id calculated on extraction "${found}" (expected "${unpack.diffId}")`);
      unpacker.end();
      return unpacker.size;
    },
    abort: () => {
      decompressor.destroy();
      unpacker.abort();
    },
  };
}

/**
 * Fetches, verifies and unpacks one layer, all at the same time. Resolves to the bytes of its files. When it throws, what it has written
 * under `unpack.directory` is worthless; a partial blob stays for the next attempt unless its digest was wrong.
 */
export async function runTask(task: LayerTask, signal: AbortSignal, events: TaskEvents): Promise<number> {
  const pipe = task.unpack ? createUnpackPipe(task.unpack) : undefined;
  const algorithm = algorithmOf(task.digest);
  const hash = createHash(algorithm);
  let unpackFailure: unknown;
  try {
    for await (const chunk of blobChunks(task, signal, events)) {
      hash.update(chunk);
      if (unpackFailure !== undefined) continue;
      // A blob that cannot be unpacked may simply be damaged: its digest decides which of the two is said.
      await pipe?.write(chunk).catch((error: unknown) => (unpackFailure = error));
    }
    if (`${algorithm}:${hash.digest('hex')}` !== task.digest)
      throw new DigestMismatch('system', `filesystem layer verification failed for digest ${task.digest}`);
    events.onVerified();
    if (unpackFailure !== undefined) throw unpackFailure;
    if (signal.aborted) throw new EngineError('cancelled', 'context canceled');
    return (await pipe?.finish()) ?? 0;
  } catch (error) {
    pipe?.abort();
    throw describe(error, task);
  }
}

/** The bytes are not what the manifest says: a partial file of them must not be built upon. */
export class DigestMismatch extends EngineError {}

function describe(error: unknown, task: LayerTask): unknown {
  if (error instanceof EngineError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (
    error instanceof TarError ||
    error instanceof BreakoutError ||
    code?.startsWith('Z_') ||
    code?.startsWith('ZSTD_') ||
    code === 'ERR_ZSTD_DECOMPRESS'
  )
    return new EngineError('system', `failed to register layer: ${message}`, error);
  if (code === 'ENOSPC')
    return new EngineError(
      'system',
      `failed to register layer: ${task.unpack?.directory ?? task.partialPath}: no space left on device`,
      error,
    );
  return error instanceof Error ? new EngineError('system', `failed to register layer: ${message}`, error) : error;
}
