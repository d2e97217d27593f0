import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { EngineError, systemError } from '../../api/errors.ts';
import { OCI_LAYER, storedBlob, type NewLayer } from './add-images.ts';
import type { ImageContext } from './context.ts';

/**
 * Writes a layer's plain archive to `file` (below the store's `staging/`), a piece at a time. Resolves to the layer it makes, which is
 * unpacked when an image is made of it.
 */
export async function stageLayer(
  context: ImageContext,
  archive: AsyncIterable<Buffer>,
  file: string,
  signal: AbortSignal,
): Promise<NewLayer> {
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(file, 'wx', 0o600);
  try {
    for await (const chunk of archive) {
      if (signal.aborted) throw new EngineError('cancelled', 'context canceled');
      hash.update(chunk);
      size += chunk.length;
      for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
      throw systemError(`write ${file}: no space left on device`, error);
    throw error;
  } finally {
    await handle.close();
  }
  const diffId = `sha256:${hash.digest('hex')}`;
  const stored = storedBlob(context, diffId);
  if (stored) return { diffId, blob: stored };
  return { diffId, blob: { mediaType: OCI_LAYER, digest: diffId, size }, file };
}
