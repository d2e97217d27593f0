import { EngineError, systemError } from '../../api/errors.ts';
import { algorithmOf, digestOf } from '../../images/digest.ts';
import type { Descriptor, Manifest } from '../../images/media-types.ts';
import { Limiter } from '../../images/pull/limiter.ts';
import { fullReference, type Reference } from '../../images/reference/parse.ts';
import type { ImageConfiguration, ImageRecord } from '../../images/store/image-table.ts';
import { timestampOf } from '../../system/clock.ts';
import { syncFileSystem } from '../../system/sync-filesystem.ts';
import { join } from 'node:path';
import type { ImageContext } from './context.ts';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';

/** How many layers are unpacked at once. */
const UNPACKING = 3;

/** A layer that is here already, or the file it is to be made of. */
export interface NewLayer {
  diffId: string;
  blob: Descriptor;
  /** below the store's `staging/`; gone afterwards. Its digest is verified while it is unpacked. Absent: the layer is stored */
  file?: string;
}

export interface NewImage {
  /** the configuration, byte by byte: its digest is the image's id */
  content: Buffer;
  configuration: ImageConfiguration;
  /** lowest first */
  layers: NewLayer[];
  /** names it is to go by; they are taken from who had them */
  names: Reference[];
  /** as it was written elsewhere; absent: made here, of the layers */
  manifest?: { mediaType: string; content: Buffer };
  parent?: string;
}

/** The blob that some image has for this layer, when the layer is stored. */
export function storedBlob({ store }: ImageContext, diffId: string): Descriptor | undefined {
  if (!store.layers.get(diffId)) return undefined;
  for (const image of store.table.all()) {
    const blob = image.layers.find((layer) => layer.diffId === diffId)?.blob;
    if (blob && store.blobs.has(blob.digest)) return blob;
  }
  return undefined;
}

/**
 * Makes images out of what lies ready: layers unpacked and verified, blobs in their place, all on disk, and then visible in one step. When
 * it throws nothing of them is there. `onLayer` is told before and after each layer that has to be unpacked.
 */
export async function addImages(
  context: ImageContext,
  images: readonly NewImage[],
  signal: AbortSignal,
  onLayer: (layer: NewLayer, done: boolean) => void = () => undefined,
): Promise<ImageRecord[]> {
  const { store } = context;
  const layers = images.flatMap((image) => image.layers);
  const manifests = images.map(manifestOf);
  const digests = [
    ...images.map((image) => digestOf(image.content)),
    ...manifests.map((manifest) => manifest.descriptor.digest),
    ...layers.flatMap((layer) => [layer.diffId, layer.blob.digest]),
  ];
  const release = store.hold(digests);
  try {
    await unpackAll(context, layers, signal, onLayer);
    await syncFileSystem(store.paths.base);
    const records: ImageRecord[] = [];
    for (const [index, image] of images.entries()) {
      const { descriptor, content } = manifests[index] as ReturnType<typeof manifestOf>;
      const id = digestOf(image.content);
      await store.blobs.write(id, image.content);
      const known = store.table.byId(id);
      if (!known) await store.blobs.write(descriptor.digest, content);
      records.push(recordOf(context, id, image, known?.manifest ?? descriptor, known));
    }
    if (signal.aborted) throw new EngineError('cancelled', 'context canceled');
    await store.table.update((table, references) => {
      for (const [index, image] of images.entries()) {
        const record = records[index] as ImageRecord;
        table.set(record.id, record);
        for (const name of image.names) references.set(fullReference(name), record.id);
      }
    });
    return records;
  } finally {
    release();
    // what no image came of
    await store.release(
      layers.map((layer) => layer.diffId),
      digests,
    );
  }
}

/** The given manifest, or one of our own. */
function manifestOf(image: NewImage): { descriptor: Descriptor; content: Buffer } {
  const mediaType = image.manifest?.mediaType ?? OCI_MANIFEST;
  const content = image.manifest?.content ?? Buffer.from(JSON.stringify(madeManifest(image)));
  return { descriptor: { mediaType, digest: digestOf(content), size: content.length }, content };
}

/** The manifest of an image that came without one: of OCI's types, which say what each layer's compression is. */
export const madeManifest = ({
  content,
  layers,
}: {
  content: Buffer;
  layers: readonly { blob: Descriptor }[];
}): Manifest => ({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: { mediaType: OCI_CONFIG, digest: digestOf(content), size: content.length },
  layers: layers.map(({ blob: { mediaType, digest, size } }) => ({ mediaType, digest, size })),
});

function recordOf(
  { store }: ImageContext,
  id: string,
  { configuration, layers, parent }: NewImage,
  manifest: Descriptor,
  known: ImageRecord | undefined,
): ImageRecord {
  const tagged = timestampOf(Date.now());
  if (known) {
    const { hidden: _hidden, ...rest } = known;
    return { ...rest, tagged };
  }
  return {
    id,
    manifest,
    layers: layers.map(({ diffId, blob }) => ({ diffId, blob })),
    architecture: configuration.architecture,
    ...(configuration.variant ? { variant: configuration.variant } : {}),
    os: configuration.os,
    created: configuration.created ?? '',
    size: layers.reduce((sum, { diffId }) => sum + (store.layers.get(diffId)?.size ?? 0), 0),
    tagged,
    ...(parent === undefined ? {} : { parent }),
  };
}

/** The first failure stops the others; all have ended when this throws. */
async function unpackAll(
  context: ImageContext,
  layers: readonly NewLayer[],
  signal: AbortSignal,
  onLayer: (layer: NewLayer, done: boolean) => void,
): Promise<void> {
  const limiter = new Limiter(UNPACKING);
  const abort = new AbortController();
  const either = AbortSignal.any([signal, abort.signal]);
  let failure: unknown;
  const wanted = new Map(layers.flatMap((layer) => (layer.file === undefined ? [] : [[layer.diffId, layer] as const])));
  await Promise.all(
    [...wanted.values()].map((layer) =>
      limiter
        .run(
          async () => {
            onLayer(layer, false);
            await unpack(context, layer, layer.file as string, either);
            onLayer(layer, true);
          },
          either,
          () => undefined,
        )
        .catch((error: unknown) => {
          failure ??= error;
          abort.abort();
        }),
    ),
  );
  if (failure !== undefined) throw failure;
}

async function unpack(context: ImageContext, layer: NewLayer, file: string, signal: AbortSignal): Promise<void> {
  const { store, pool } = context;
  const { digest, size } = layer.blob;
  const directory = store.layers.get(layer.diffId) ? undefined : await store.layers.begin();
  try {
    const bytes = await pool.run(
      {
        digest,
        size,
        storedPath: file,
        ...(directory === undefined
          ? {}
          : {
              unpack: {
                directory: join(directory, 'diff'),
                diffId: layer.diffId,
                overlayPrefix: context.overlayPrefix(),
              },
            }),
      },
      { onProgress: () => undefined, onRetry: () => undefined, onVerified: () => undefined },
      signal,
    );
    await store.blobs.adoptFile(file, digest);
    if (directory !== undefined) await store.layers.commit(directory, layer.diffId, bytes);
  } catch (error) {
    if (directory !== undefined) await store.layers.abandon(directory);
    throw error;
  }
}

/** A configuration from elsewhere. Throws in Docker's words for what is none, or is of another system. */
export function parseConfiguration(content: Buffer): ImageConfiguration {
  let value: Partial<ImageConfiguration> | null;
  try {
    value = JSON.parse(content.toString('utf8')) as typeof value;
  } catch (error) {
    throw systemError(`invalid image JSON: ${(error as Error).message}`, error);
  }
  if (typeof value !== 'object' || value === null || typeof value.rootfs !== 'object' || value.rootfs === null)
    throw systemError('invalid image JSON, no RootFS key');
  const diffIds = (value.rootfs as { diff_ids?: unknown }).diff_ids ?? [];
  if (!Array.isArray(diffIds) || !diffIds.every((id) => typeof id === 'string' && isDigest(id)))
    throw systemError('invalid image JSON: a diff id is no digest');
  const os = typeof value.os === 'string' && value.os !== '' ? value.os : 'linux';
  if (os !== 'linux') throw systemError(`cannot load ${os} image on linux`);
  return {
    ...value,
    os,
    architecture: typeof value.architecture === 'string' ? value.architecture : '',
    rootfs: { type: 'layers', diff_ids: diffIds as string[] },
  };
}

const LENGTHS: Record<string, number> = { sha256: 64, sha384: 96, sha512: 128 };
export const isDigest = (text: string) =>
  /^[a-z0-9]+:[0-9a-f]+$/.test(text) &&
  text.length === algorithmOf(text).length + 1 + (LENGTHS[algorithmOf(text)] ?? 0);
