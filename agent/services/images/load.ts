import { EngineError, systemError } from '../../api/errors.ts';
import { digestOf, shortId } from '../../images/digest.ts';
import { parsePlatform } from '../../images/platform.ts';
import { progressBar } from '../../images/pull/progress.ts';
import { familiar, fullReference } from '../../images/reference/parse.ts';
import type { LoadRequest } from '../../images/types.ts';
import { addImages, type NewImage, type NewLayer } from './add-images.ts';
import { emitImageEvent, type ImageContext } from './context.ts';
import { planLoad } from './load-plan.ts';
import { stageArchive } from './stage-archive.ts';

/**
 * POST /images/load: a Docker archive or an OCI image layout, plain or compressed. All images of it become visible in one step, or none.
 */
export async function loadImages(context: ImageContext, request: LoadRequest): Promise<void> {
  const { store } = context;
  const platform = request.platform ? parsePlatform(request.platform) : undefined;
  const directory = await store.layers.begin();
  try {
    const archive = await stageArchive(request.body, directory);
    const images = await planLoad(context, archive, platform);
    const replaced = images.flatMap((image) => renamed(context, image));
    const onLayer = request.quiet ? undefined : (layer: NewLayer, done: boolean) => say(request, layer, done);
    const records = await addImages(context, images, request.signal, onLayer).catch((error: unknown) => {
      throw inDockersWords(error, images);
    });
    const stream = (line: string) => request.onProgress({ stream: `${line}\n` });
    replaced.forEach(stream);
    for (const [index, record] of records.entries()) {
      const { names } = images[index] as NewImage;
      for (const name of names) stream(`Loaded image: ${familiar(name)}`);
      if (names.length === 0) stream(`Loaded image ID: ${record.id}`);
      emitImageEvent(context, 'load', record, record.id);
    }
  } finally {
    await store.layers.abandon(directory);
  }
}

function say({ onProgress }: LoadRequest, { diffId, blob: { size } }: NewLayer, done: boolean): void {
  const current = done ? size : 0;
  onProgress({
    status: 'Loading layer',
    progressDetail: { current, total: size },
    progress: progressBar(current, size),
    id: shortId(diffId),
  });
}

function renamed({ store }: ImageContext, { content, names }: NewImage): string[] {
  return names.flatMap((name) => {
    const before = store.table.referenced(fullReference(name));
    if (!before || before.id === digestOf(content)) return [];
    return [`The image ${familiar(name)} already exists, renaming the old one with ID ${before.id} to empty string`];
  });
}

const WRONG = /^wrong diff id calculated on extraction "(.+)" \(expected "(.+)"\)$/;

function inDockersWords(error: unknown, images: readonly NewImage[]): unknown {
  const match = error instanceof EngineError ? WRONG.exec(error.message) : null;
  if (!match) return error;
  const [, actual, expected] = match;
  const at = images
    .map((image) => image.layers.findIndex((layer) => layer.diffId === expected))
    .find((index) => index >= 0);
  return systemError(`invalid diffID for layer ${at ?? 0}: expected "${expected}", got "${actual}"`, error);
}
