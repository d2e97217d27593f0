import { createReadStream } from 'node:fs';
import { EngineError, notFound, systemError } from '../../api/errors.ts';
import { hexOf } from '../../images/digest.ts';
import type { Descriptor, Platform } from '../../images/media-types.ts';
import { parsePlatform, platformMatches, formatPlatform } from '../../images/platform.ts';
import {
  familiar,
  familiarName,
  fullName,
  fullReference,
  parseReference,
  type Reference,
} from '../../images/reference/parse.ts';
import { blobsOf, diffIdsOf } from '../../images/store/image-store.ts';
import type { ImageRecord } from '../../images/store/image-table.ts';
import type { SaveRequest } from '../../images/types.ts';
import { endOfArchive, padding, tarHeader, type TarEntry } from '../archive/tar-writer.ts';
import { createdOf } from './list.ts';
import { emitImageEvent, isIdPrefix, type ImageContext } from './context.ts';
import { IMAGE_NAME, REF_NAME, type ManifestItem } from './load-plan.ts';

const PIECE = 256 * 1024;

interface Saved {
  image: ImageRecord;
  names: Reference[];
  manifest: Descriptor;
}

/**
 * GET /images/get: a Docker archive that is an OCI image layout as well (as of Docker 25). Layers stand in it as they were pulled, loaded
 * or made, so that digests stay what they were. Throws before the first piece for what is not there.
 */
export async function saveImages(
  context: ImageContext,
  { names, platform, signal }: SaveRequest,
  send: (archive: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  const images = chooseImages(context, names, platform ? parsePlatform(platform) : undefined);
  const release = context.store.hold(images.flatMap(({ image }) => [...blobsOf(image), ...diffIdsOf(image)]));
  try {
    for (const { image } of images) if (image.layers.length === 0) throw systemError('empty export - not implemented');
    await send(archiveOf(context, images, signal));
    for (const { image } of images) emitImageEvent(context, 'save', image, image.id);
  } finally {
    release();
    // removed meanwhile: it was kept for this only
    for (const { image } of images) await context.store.release(diffIdsOf(image), blobsOf(image));
  }
}

/** A name without tag stands for all its tags; an id for the image without its names. */
function chooseImages(context: ImageContext, texts: readonly string[], platform: Platform | undefined): Saved[] {
  const { table } = context.store;
  const found = new Map<string, Saved>();
  const add = (image: ImageRecord, name?: Reference) => {
    if (platform && !platformMatches(platform, image))
      throw systemError(`no suitable export target found for platform ${formatPlatform(platform)}`);
    const saved = found.get(image.id) ?? { image, names: [], manifest: image.manifest };
    found.set(image.id, saved);
    if (name && !saved.names.some((known) => fullReference(known) === fullReference(name))) saved.names.push(name);
  };
  for (const text of texts) {
    const repository = bareName(text);
    const tags = repository ? tagsOf(context, repository) : [];
    if (tags.length > 0) {
      for (const [name, image] of tags) add(image, name);
      continue;
    }
    const image = table.find(text);
    if (!image)
      throw notFound(repository || text.startsWith('sha256:') ? `No such image: ${text}` : 'reference does not exist');
    const reference = text.startsWith('sha256:') || isIdPrefix(image, text) ? undefined : parseReference(text);
    add(image, reference?.digest === undefined ? reference : undefined);
  }
  return [...found.values()];
}

/** The repository, when the text is one, without tag and digest. */
function bareName(text: string): Reference | undefined {
  if (text.startsWith('sha256:') || /^[0-9a-f]{64}$/.test(text)) return undefined;
  const reference = parseReference(text);
  return reference.tag === undefined && reference.digest === undefined ? reference : undefined;
}

function tagsOf({ store }: ImageContext, repository: Reference): [Reference, ImageRecord][] {
  const wanted = `${fullName(repository)}:`;
  const found: [Reference, ImageRecord][] = [];
  for (const [name] of store.table.references()) {
    const image = name.startsWith(wanted) ? store.table.referenced(name) : undefined;
    const reference = image && !image.hidden ? parseReference(name) : undefined;
    if (image && reference && fullName(reference) === fullName(repository)) found.push([reference, image]);
  }
  return found;
}

const pathOf = (digest: string) => `blobs/${digest.replace(':', '/')}`;

async function* archiveOf(
  context: ImageContext,
  images: readonly Saved[],
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { store } = context;
  yield text('oci-layout', '{"imageLayoutVersion": "1.0.0"}');
  yield text('index.json', JSON.stringify(indexOf(images)));
  yield text('manifest.json', `${JSON.stringify(images.map((saved) => itemOf(saved, images)))}\n`);
  const repositories = repositoriesOf(images);
  if (Object.keys(repositories).length > 0) yield text('repositories', `${JSON.stringify(repositories)}\n`);
  yield directory('blobs/');
  const algorithms = new Set(images.flatMap(({ image }) => blobsOf(image)).map((digest) => digest.split(':', 1)[0]));
  for (const algorithm of algorithms) yield directory(`blobs/${algorithm}/`);
  const written = new Set<string>();
  const isNew = (digest: string) => !written.has(digest) && written.add(digest);
  for (const { image } of images)
    for (const digest of [image.id, image.manifest.digest])
      if (isNew(digest)) yield text(pathOf(digest), store.blobs.readSync(digest), createdOf(image));
  for (const { image } of images)
    for (const { blob } of image.layers)
      if (isNew(blob.digest))
        yield* file(pathOf(blob.digest), store.blobs.path(blob.digest), blob.size, createdOf(image), signal);
  yield endOfArchive();
}

function indexOf(images: readonly Saved[]) {
  const manifests = images.flatMap(({ image, names, manifest: { mediaType, digest, size } }) => {
    const platform = {
      architecture: image.architecture,
      os: image.os,
      ...(image.variant ? { variant: image.variant } : {}),
    };
    const descriptor = { mediaType, digest, size, platform };
    if (names.length === 0) return [descriptor];
    return names.map((name) => ({
      ...descriptor,
      annotations: { [IMAGE_NAME]: fullReference(name), [REF_NAME]: name.tag ?? 'latest' },
    }));
  });
  return { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
}

function itemOf({ image, names }: Saved, images: readonly Saved[]): ManifestItem {
  const sources = image.layers.map(({ diffId, blob: { mediaType, digest, size } }) => [
    diffId,
    { mediaType, digest, size },
  ]);
  const parent = image.parent !== undefined && images.some((other) => other.image.id === image.parent);
  return {
    Config: pathOf(image.id),
    RepoTags: names.length > 0 ? names.map(familiar) : null,
    Layers: image.layers.map(({ blob }) => pathOf(blob.digest)),
    ...(parent ? { Parent: image.parent as string } : {}),
    LayerSources: Object.fromEntries(sources) as Record<string, Descriptor>,
  };
}

/** What Docker before 1.10 reads: the uppermost layer by repository and tag. */
function repositoriesOf(images: readonly Saved[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, names } of images)
    for (const name of names)
      (repositories[familiarName(name)] ??= {})[name.tag ?? 'latest'] = hexOf(image.layers.at(-1)?.blob.digest ?? '');
  return repositories;
}

const header = (name: string, type: TarEntry['type'], size: number, created: number) =>
  tarHeader({
    name,
    type,
    mode: type === 'dir' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size,
    mtime: Math.max(0, Math.floor(created / 1000)),
  });
const directory = (name: string) => header(name, 'dir', 0, 0);

function text(name: string, value: string | Buffer, created = 0): Buffer {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([header(name, 'file', content.length, created), content, padding(content.length)]);
}

async function* file(
  name: string,
  path: string,
  size: number,
  created: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  yield header(name, 'file', size, created);
  let sent = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE }) as AsyncIterable<Buffer>) {
    if (signal.aborted) throw new EngineError('cancelled', 'context canceled');
    sent += chunk.length;
    yield chunk;
  }
  if (sent !== size) throw systemError(`the blob ${path} in the image store is damaged`);
  yield padding(size);
}
