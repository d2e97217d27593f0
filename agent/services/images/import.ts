import { join } from 'node:path';
import { EngineError, invalid, systemError } from '../../api/errors.ts';
import { applyChanges } from '../../images/dockerfile/apply-changes.ts';
import { hostPlatform, parsePlatform } from '../../images/platform.ts';
import { checkTag, parseReference, withDefaultTag, type Reference } from '../../images/reference/parse.ts';
import type { ImageConfiguration } from '../../images/store/image-table.ts';
import type { ImportRequest } from '../../images/types.ts';
import { signalNumber } from '../../runtime/spec/signals.ts';
import { systemClock } from '../../system/clock.ts';
import { addImages } from './add-images.ts';
import { stageLayer } from './add-layer.ts';
import { emitImageEvent, type ImageContext } from './context.ts';
import { download } from './download.ts';
import { inflate } from './inflate.ts';
import { emitTagEvent } from './tag.ts';

/** The name for a new image; undefined when none is given. Throws `invalid-parameter` in Docker's words. */
export function newName(repository: string, tag: string): Reference | undefined {
  if (repository === '') return undefined;
  const parsed = parseReference(repository);
  if (parsed.digest !== undefined) throw invalid('cannot import digest reference');
  return withDefaultTag(tag === '' ? parsed : { ...parsed, tag: checkTag(tag) });
}

export const checkSignal = { signal: (text: string) => void signalNumber(text) };

/** POST /images/create?fromSrc=…: an image of one layer from an archive of files, plain or compressed. */
export async function importImage(context: ImageContext, request: ImportRequest): Promise<void> {
  const { store } = context;
  const { onProgress, signal } = request;
  const platform = request.platform ? parsePlatform(request.platform) : hostPlatform;
  if (platform.os !== 'linux') throw systemError(`operating system is not supported`);
  const name = newName(request.repository, request.tag);
  const config = applyChanges({}, request.changes, checkSignal);
  const directory = await store.layers.begin();
  try {
    const body =
      typeof request.source === 'string' ? await download(request.source, signal, onProgress) : request.source;
    const layer = await stageLayer(context, inflate(body), join(directory, 'layer'), signal);
    const created = systemClock.timestamp();
    const configuration: ImageConfiguration = {
      architecture: platform.architecture,
      ...(request.message === '' ? {} : { comment: request.message }),
      config,
      created,
      history: [{ created, ...(request.message === '' ? {} : { comment: request.message }) }],
      os: platform.os,
      rootfs: { type: 'layers', diff_ids: [layer.diffId] },
      ...(platform.variant ? { variant: platform.variant } : {}),
    };
    const content = Buffer.from(JSON.stringify(configuration));
    const image = { content, configuration, layers: [layer], names: name ? [name] : [] };
    const [record] = await addImages(context, [image], signal).catch((error: unknown) => {
      throw withoutPrefix(error);
    });
    if (!record) throw new Error('no image was made');
    onProgress({ status: record.id });
    if (name) emitTagEvent(context, record, name);
    emitImageEvent(context, 'import', record, record.id);
  } finally {
    await store.layers.abandon(directory);
  }
}

/** What is wrong with the archive, without where it was noticed. */
function withoutPrefix(error: unknown): unknown {
  const prefix = 'failed to register layer: ';
  if (!(error instanceof EngineError) || !error.message.startsWith(prefix)) return error;
  return new EngineError(error.kind, error.message.slice(prefix.length), error);
}
