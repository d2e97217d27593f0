import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { EngineError, notFound } from '../../api/errors.ts';
import { digestOf } from '../../images/digest.ts';
import type { Descriptor, Manifest } from '../../images/media-types.ts';
import type { ImageLayer, ImageRecord } from '../../images/store/image-table.ts';
import { syncFileSystem } from '../../system/sync-filesystem.ts';
import { madeManifest } from './add-images.ts';
import type { ImageContext } from './context.ts';

const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
/** Twice as fast as zlib's default, for a few percent of size. */
const LEVEL = 4;
const PIECE = 256 * 1024;

const isCompressed = ({ mediaType }: Descriptor) => /[.+](gzip|zstd)$/.test(mediaType);
const isGzip = ({ mediaType }: Descriptor) => /[.+]gzip$/.test(mediaType);

/**
 * An image as registries want it. Layers that were made here are kept plain until they are first pushed; then their compressed form takes
 * the plain one's place, and the image has a manifest of Docker's types, which every registry takes. What came with a manifest of its own
 * stays byte by byte what it is.
 */
export async function compressLayers(
  context: ImageContext,
  image: ImageRecord,
  signal: AbortSignal,
): Promise<ImageRecord> {
  const { store } = context;
  const content = store.blobs.readSync(image.id);
  const isOurs =
    digestOf(Buffer.from(JSON.stringify(madeManifest({ content, layers: image.layers })))) === image.manifest.digest;
  if (!isOurs || image.layers.every(({ blob }) => isCompressed(blob))) return image;
  const directory = await store.layers.begin();
  const holds: (() => void)[] = [];
  try {
    const layers: ImageLayer[] = [];
    const done = new Map<string, Descriptor>();
    for (const [index, { diffId, blob }] of image.layers.entries()) {
      const known = isCompressed(blob) ? blob : (done.get(diffId) ?? compressedElsewhere(context, diffId));
      const compressed = known ?? (await compress(context, blob, join(directory, String(index)), signal, holds));
      holds.push(store.hold([compressed.digest]));
      done.set(diffId, compressed);
      layers.push({ diffId, blob: compressed });
    }
    await syncFileSystem(store.paths.base);
    return await replace(context, image, content, layers);
  } finally {
    for (const release of holds) release();
    await store.layers.abandon(directory);
    await store.release([], [...image.layers.map(({ blob }) => blob.digest), image.manifest.digest]);
  }
}

/** Another image with the layer may have been pulled or pushed. */
function compressedElsewhere({ store }: ImageContext, diffId: string): Descriptor | undefined {
  for (const image of store.table.all()) {
    const blob = image.layers.find((layer) => layer.diffId === diffId)?.blob;
    if (blob && isGzip(blob) && store.blobs.has(blob.digest)) return blob;
  }
  return undefined;
}

async function compress(
  { store }: ImageContext,
  blob: Descriptor,
  file: string,
  signal: AbortSignal,
  holds: (() => void)[],
): Promise<Descriptor> {
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform: (chunk: Buffer, _encoding, next) => {
      hash.update(chunk);
      next(null, chunk);
    },
  });
  try {
    await pipeline(
      createReadStream(store.blobs.path(blob.digest), { highWaterMark: PIECE }),
      createGzip({ level: LEVEL, chunkSize: PIECE }),
      hashing,
      createWriteStream(file),
      { signal },
    );
  } catch (error) {
    if (signal.aborted) throw new EngineError('cancelled', 'context canceled', error);
    throw error;
  }
  const digest = `sha256:${hash.digest('hex')}`;
  const { size } = await stat(file);
  holds.push(store.hold([digest]));
  await store.blobs.adoptFile(file, digest);
  return { mediaType: DOCKER_LAYER, digest, size };
}

async function replace(
  { store }: ImageContext,
  image: ImageRecord,
  content: Buffer,
  layers: ImageLayer[],
): Promise<ImageRecord> {
  const manifest = dockerManifest(image.id, content, layers);
  const descriptor = { mediaType: manifest.mediaType as string, digest: '', size: 0 };
  const text = Buffer.from(JSON.stringify(manifest));
  Object.assign(descriptor, { digest: digestOf(text), size: text.length });
  const release = store.hold([descriptor.digest]);
  try {
    await store.blobs.write(descriptor.digest, text);
    let made: ImageRecord | undefined;
    await store.table.update((images) => {
      const current = images.get(image.id);
      if (!current) throw notFound(`No such image: ${image.id}`);
      made = { ...current, manifest: descriptor, layers };
      images.set(image.id, made);
    });
    return made as ImageRecord;
  } finally {
    release();
  }
}

/** Of Docker's media types, unless a layer is of a kind that only OCI has. */
function dockerManifest(id: string, content: Buffer, layers: readonly ImageLayer[]): Manifest {
  if (!layers.every(({ blob }) => isGzip(blob))) return madeManifest({ content, layers });
  return {
    schemaVersion: 2,
    mediaType: DOCKER_MANIFEST,
    config: { mediaType: DOCKER_CONFIG, digest: id, size: content.length },
    layers: layers.map(({ blob: { digest, size } }) => ({ mediaType: DOCKER_LAYER, digest, size })),
  };
}
