import { systemError } from '../../api/errors.ts';
import { digestOf } from '../../images/digest.ts';
import {
  isIndexType,
  isLayerType,
  isManifestType,
  type Descriptor,
  type Manifest,
  type ManifestIndex,
  type Platform,
} from '../../images/media-types.ts';
import { formatPlatform, hostPlatform, platformMatches, selectManifest } from '../../images/platform.ts';
import { parseReference, type Reference } from '../../images/reference/parse.ts';
import type { ImageConfiguration } from '../../images/store/image-table.ts';
import { OCI_LAYER, isDigest, parseConfiguration, storedBlob, type NewImage, type NewLayer } from './add-images.ts';
import type { ImageContext } from './context.ts';
import type { StagedArchive, StagedFile } from './stage-archive.ts';

/** An entry of a Docker archive's `manifest.json`. */
export interface ManifestItem {
  Config: string;
  RepoTags: string[] | null;
  Layers: string[] | null;
  /** id of the image below, where that is in the archive too */
  Parent?: string;
  /** what a layer's file is, by diff id */
  LayerSources?: Record<string, Descriptor>;
}

/** Annotations that say what an image in an OCI layout is called: in full, or just a tag. */
export const IMAGE_NAME = 'io.containerd.image.name';
export const REF_NAME = 'org.opencontainers.image.ref.name';
const MAX_NESTED = 4;

/** What an archive's metadata say is in it. Throws in Docker's words for what does not fit together; nothing was changed then. */
export async function planLoad(
  context: ImageContext,
  archive: StagedArchive,
  platform: Platform | undefined,
): Promise<NewImage[]> {
  if (archive.find('manifest.json')) return planDockerArchive(context, archive, platform);
  if (archive.find('index.json')) return planOciLayout(context, archive, platform);
  if (archive.find('repositories'))
    throw systemError(
      'the archive is of Docker before 1.10 and has no manifest.json: load it with an older Docker and save it again',
    );
  throw systemError('invalid archive: it has neither manifest.json nor index.json, so it holds no images');
}

async function planDockerArchive(
  context: ImageContext,
  archive: StagedArchive,
  platform: Platform | undefined,
): Promise<NewImage[]> {
  const items = parse<ManifestItem[] | null>(await archive.read('manifest.json'), 'manifest.json');
  if (items === null) throw systemError('invalid manifest, manifest cannot be null (but can be [])');
  if (!Array.isArray(items)) throw systemError('invalid manifest: manifest.json is not a list');
  const written = archive.find('index.json') ? await manifestsByConfiguration(archive) : new Map();
  const images: NewImage[] = [];
  const parents = new Map<string, string>();
  for (const item of items) {
    const content = await archive.read(checkText(item?.Config, 'Config'));
    const configuration = parseConfiguration(content);
    if (platform && !platformMatches(platform, configuration)) continue;
    const id = digestOf(content);
    const paths = item.Layers ?? [];
    const diffIds = configuration.rootfs.diff_ids;
    if (paths.length !== diffIds.length)
      throw systemError(`invalid manifest, layers length mismatch: expected ${paths.length}, got ${diffIds.length}`);
    const names = (item.RepoTags ?? []).map(taggedName);
    const layers = diffIds.map((diffId, index) => {
      const path = checkText(paths[index], 'Layers');
      return layerOf(context, diffId, path, archive.find(path));
    });
    const manifest = fitting(written.get(id), layers);
    images.push({ content, configuration, layers, names, ...(manifest ? { manifest } : {}) });
    if (item.Parent) parents.set(id, item.Parent);
  }
  return linkParents(images, parents);
}

function checkText(value: unknown, key: string): string {
  if (typeof value !== 'string' || value === '') throw systemError(`invalid manifest: ${key} is not a path`);
  return value;
}

function taggedName(text: string): Reference {
  const reference = parseReference(text);
  if (reference.tag === undefined || reference.digest !== undefined)
    throw systemError(`invalid tag ${JSON.stringify(text)}`);
  return reference;
}

/** A layer that is stored is not taken from the archive again. */
function layerOf(context: ImageContext, diffId: string, path: string, file: StagedFile | undefined): NewLayer {
  const stored = storedBlob(context, diffId);
  if (stored) return { diffId, blob: stored };
  if (!file) throw systemError(`open ${path}: no such file or directory`);
  const suffix = file.compression === 'none' ? '' : `+${file.compression}`;
  return { diffId, blob: { mediaType: OCI_LAYER + suffix, digest: file.digest, size: file.size }, file: file.path };
}

interface WrittenManifest {
  mediaType: string;
  content: Buffer;
  value: Manifest;
}

/** The OCI manifests that newer Docker writes beside `manifest.json`, by image id. */
async function manifestsByConfiguration(archive: StagedArchive): Promise<Map<string, WrittenManifest>> {
  const found = new Map<string, WrittenManifest>();
  const index = parse<Partial<ManifestIndex>>(await archive.read('index.json'), 'index.json');
  for (const entry of index?.manifests ?? []) {
    if (!isManifestType(entry.mediaType) || !archive.find(blobPath(entry.digest))) continue;
    const written = await readManifest(archive, entry);
    found.set(written.value.config.digest, written);
  }
  return found;
}

/** The manifest, when it speaks of the very blobs that the layers are to have. */
function fitting(written: WrittenManifest | undefined, layers: readonly NewLayer[]): NewImage['manifest'] {
  if (written?.value.layers.length !== layers.length) return undefined;
  const fits = layers.every(({ blob }, index) => {
    const said = written.value.layers[index] as Descriptor;
    if (said.digest !== blob.digest || said.size !== blob.size) return false;
    blob.mediaType = said.mediaType;
    return true;
  });
  return fits ? { mediaType: written.mediaType, content: written.content } : undefined;
}

const blobPath = (digest: string) => `blobs/${digest.replace(':', '/')}`;

async function readBlob(archive: StagedArchive, digest: unknown, what: string): Promise<Buffer> {
  if (typeof digest !== 'string' || !isDigest(digest))
    throw systemError(`invalid archive: the digest of ${what} is invalid`);
  const content = await archive.read(blobPath(digest));
  if (digestOf(content, digest.slice(0, digest.indexOf(':'))) !== digest)
    throw systemError(`invalid archive: ${what} has not the digest ${digest}`);
  return content;
}

async function readManifest(archive: StagedArchive, descriptor: Descriptor): Promise<WrittenManifest> {
  const content = await readBlob(archive, descriptor.digest, 'a manifest');
  const value = parse<Manifest>(content, 'manifest');
  if (typeof value?.config?.digest !== 'string' || !Array.isArray(value.layers))
    throw systemError(`invalid archive: ${descriptor.digest} is not an image manifest`);
  return { mediaType: descriptor.mediaType, content, value };
}

/** An OCI image layout: every manifest of `index.json`; of an index in it the one for the platform. */
async function planOciLayout(
  context: ImageContext,
  archive: StagedArchive,
  platform: Platform | undefined,
): Promise<NewImage[]> {
  const index = parse<Partial<ManifestIndex>>(await archive.read('index.json'), 'index.json');
  if (!Array.isArray(index?.manifests)) throw systemError('invalid archive: index.json has no manifests');
  const images = new Map<string, NewImage>();
  for (const entry of index.manifests) {
    const image = await planOciImage(context, archive, entry, platform);
    if (!image) continue;
    const id = digestOf(image.content);
    const known = images.get(id);
    if (known) known.names.push(...image.names);
    else images.set(id, image);
  }
  if (images.size === 0 && index.manifests.length > 0)
    throw systemError(`no image for the platform ${formatPlatform(platform ?? hostPlatform)} in the archive`);
  return [...images.values()];
}

async function planOciImage(
  context: ImageContext,
  archive: StagedArchive,
  entry: Descriptor,
  platform: Platform | undefined,
): Promise<NewImage | undefined> {
  let descriptor = entry;
  for (let depth = 0; isIndexType(descriptor.mediaType); depth += 1) {
    if (depth > MAX_NESTED) throw systemError('invalid archive: indexes within indexes');
    const nested = parse<Partial<ManifestIndex>>(await readBlob(archive, descriptor.digest, 'an index'), 'index');
    const chosen = selectManifest(nested?.manifests ?? [], platform ?? hostPlatform) ?? alone(nested?.manifests);
    if (!chosen) return undefined;
    descriptor = chosen;
  }
  if (!isManifestType(descriptor.mediaType)) return undefined;
  const written = await readManifest(archive, descriptor);
  // attestations, charts and the like stand beside images
  if (!written.value.layers.every((layer) => isLayerType(layer.mediaType))) return undefined;
  const content = await readBlob(archive, written.value.config.digest, 'an image configuration');
  const configuration: ImageConfiguration = parseConfiguration(content);
  if (platform && !platformMatches(platform, configuration)) return undefined;
  const diffIds = configuration.rootfs.diff_ids;
  if (diffIds.length !== written.value.layers.length)
    throw systemError(
      `invalid manifest, layers length mismatch: expected ${written.value.layers.length}, got ${diffIds.length}`,
    );
  const layers = diffIds.map((diffId, at) => {
    const { digest, mediaType } = written.value.layers[at] as Descriptor;
    const layer = layerOf(context, diffId, blobPath(digest), archive.find(blobPath(digest)));
    return layer.file === undefined ? layer : { ...layer, blob: { ...layer.blob, mediaType } };
  });
  const manifest = fitting(written, layers);
  return { content, configuration, layers, names: annotatedNames(entry), ...(manifest ? { manifest } : {}) };
}

/** The only one there is, when it does not say what platform it is for. */
const alone = (manifests: Descriptor[] | undefined) =>
  manifests?.length === 1 && !manifests[0]?.platform ? manifests[0] : undefined;

/** Podman and Berth write the whole name as the reference's name, skopeo and Docker a tag, which alone names nothing. */
function annotatedNames({ annotations }: Descriptor): Reference[] {
  const name = annotations?.[IMAGE_NAME] ?? annotations?.[REF_NAME];
  if (name === undefined || !/[/:]/.test(name)) return [];
  try {
    const reference = parseReference(name);
    return reference.tag === undefined || reference.digest !== undefined ? [] : [reference];
  } catch {
    return [];
  }
}

/** A parent counts when it is in the archive too, and its history is the child's but for the last step (moby `checkValidParent`). */
function linkParents(images: NewImage[], parents: ReadonlyMap<string, string>): NewImage[] {
  const byId = new Map(images.map((image) => [digestOf(image.content), image]));
  return images.map((image) => {
    const id = digestOf(image.content);
    const wanted = parents.get(id);
    const parent = wanted === undefined || wanted === id ? undefined : byId.get(wanted);
    if (!parent) return image;
    const [mine, below] = [image.configuration.history ?? [], parent.configuration.history ?? []];
    const none = mine.length === 0 && below.length === 0;
    const same = below.every((step, index) => JSON.stringify(step) === JSON.stringify(mine[index]));
    if (!none && (mine.length !== below.length + 1 || !same))
      throw systemError(`image ${wanted} is not a valid parent for ${id}`);
    return { ...image, parent: wanted as string };
  });
}

function parse<T>(content: Buffer, what: string): T {
  try {
    return JSON.parse(content.toString('utf8')) as T;
  } catch (error) {
    throw systemError(`${what} in the archive is not valid JSON: ${(error as Error).message}`, error);
  }
}
