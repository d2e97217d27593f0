import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { timestampOf } from '../../system/clock.ts';
import type { Descriptor, Manifest } from '../media-types.ts';
import { isManifestType } from '../media-types.ts';
import type { BlobStore } from './blob-store.ts';
import type { ImageConfiguration, ImageRecord, StoredTable } from './image-table.ts';
import type { LayerStore } from './layer-store.ts';
import type { ImagePaths } from './paths.ts';

/** Larger blobs are no manifests. */
const MAX_MANIFEST = 4 << 20;
const NAME = 'org.opencontainers.image.ref.name';

/**
 * The images that the store's content tells of, for when their table cannot be read: from the manifests among the blobs, with the names
 * that `index.json` has, where that can be read.
 */
export async function rebuildTable(paths: ImagePaths, blobs: BlobStore, layers: LayerStore): Promise<StoredTable> {
  const images: ImageRecord[] = [];
  const references: Record<string, string> = {};
  const index = await readIndex(paths);
  for (const descriptor of await manifestsAmong(paths, blobs)) {
    const image = imageOf(descriptor, blobs, layers);
    if (!image || images.some(({ id }) => id === image.id)) continue;
    images.push(image);
    for (const { digest, annotations } of index)
      if (digest === descriptor.digest && annotations?.[NAME] !== undefined) references[annotations[NAME]] = image.id;
  }
  return { images, references };
}

async function readIndex(paths: ImagePaths): Promise<Descriptor[]> {
  try {
    const { manifests } = JSON.parse(await readFile(paths.index, 'utf8')) as { manifests?: Descriptor[] };
    return Array.isArray(manifests) ? manifests : [];
  } catch {
    return [];
  }
}

async function manifestsAmong(paths: ImagePaths, blobs: BlobStore): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  for (const algorithm of await readdir(paths.blobs).catch(() => []))
    for (const hex of await readdir(join(paths.blobs, algorithm))) {
      const digest = `${algorithm}:${hex}`;
      const { size } = await stat(join(paths.blobs, algorithm, hex));
      const manifest = size <= MAX_MANIFEST ? parsed<Manifest>(blobs, digest) : undefined;
      if (typeof manifest?.config?.digest !== 'string' || !Array.isArray(manifest.layers)) continue;
      const mediaType = manifest.mediaType ?? 'application/vnd.oci.image.manifest.v1+json';
      if (isManifestType(mediaType)) found.push({ mediaType, digest, size });
    }
  return found;
}

/** Undefined for one that is not whole here. */
function imageOf(manifest: Descriptor, blobs: BlobStore, layers: LayerStore): ImageRecord | undefined {
  const { config, layers: stored } = parsed<Manifest>(blobs, manifest.digest) as Manifest;
  const configuration = parsed<ImageConfiguration>(blobs, config.digest);
  const diffIds = configuration?.rootfs?.diff_ids;
  if (!configuration || diffIds?.length !== stored.length || !diffIds.every((diffId) => layers.get(diffId)))
    return undefined;
  return {
    id: config.digest,
    manifest,
    layers: diffIds.map((diffId, at) => {
      const { mediaType, digest, size } = stored[at] as Descriptor;
      return { diffId, blob: { mediaType, digest, size } };
    }),
    architecture: configuration.architecture,
    ...(configuration.variant ? { variant: configuration.variant } : {}),
    os: configuration.os,
    created: configuration.created ?? '',
    size: diffIds.reduce((sum, diffId) => sum + (layers.get(diffId)?.size ?? 0), 0),
    tagged: timestampOf(Date.now()),
  };
}

/** Undefined for what is no JSON, or damaged. */
function parsed<T>(blobs: BlobStore, digest: string): T | undefined {
  try {
    return JSON.parse(blobs.readSync(digest).toString('utf8')) as T;
  } catch {
    return undefined;
  }
}
