import { notFound } from '../../api/errors.ts';
import type { EventSink } from '../../services/events/types.ts';
import { timestampOf } from '../../system/clock.ts';
import type { Manifest, Platform } from '../media-types.ts';
import { canRun, formatPlatform, hostPlatform, parsePlatform, platformMatches } from '../platform.ts';
import {
  checkDigest,
  checkTag,
  familiar,
  familiarName,
  fullName,
  fullReference,
  isOfficialHub,
  parseReference,
  type Reference,
} from '../reference/parse.ts';
import {
  fetchBlob,
  fetchManifest,
  fetchTags,
  headManifest,
  type FetchedManifest,
  type RegistryClient,
} from '../registry/client.ts';
import { translatePullError } from '../registry/errors.ts';
import type { RegistrySession } from '../registry/session.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { ImageConfiguration, ImageRecord } from '../store/image-table.ts';
import type { PullRequest } from '../types.ts';
import type { LayerFetcher, WantedLayer } from './layer-fetcher.ts';
import { layerProgress, type OnProgress } from './progress.ts';
import { checkConfiguration, resolveManifest } from './read-manifest.ts';

export interface PullContext {
  store: ImageStore;
  client: RegistryClient;
  fetcher: LayerFetcher;
  events: EventSink;
}

/** "image" and "tag" of the API as one reference; `tag` may be a digest. */
export function requestedReference(image: string, tag: string | undefined): Reference {
  const reference = parseReference(image.replace(/:$/, ''));
  if (tag === undefined || tag === '') return reference;
  const { domain, path } = reference;
  return tag.includes(':') ? { domain, path, digest: checkDigest(tag) } : { domain, path, tag: checkTag(tag) };
}

/** Pulls what `request` names; without tag and digest every tag of the repository, as Docker does. */
export async function pullImage(context: PullContext, request: PullRequest): Promise<void> {
  const reference = requestedReference(request.image, request.tag);
  const platform = request.platform ? parsePlatform(request.platform) : undefined;
  try {
    await context.client.withSession(reference, request, async (session) => {
      if (reference.tag !== undefined || reference.digest !== undefined)
        return pullOne(context, request, session, reference, platform);
      const tags = await fetchTags(session);
      if (tags.length === 0) throw notFound(`no tags found for ${familiarName(reference)}`);
      for (const tag of tags) await pullOne(context, request, session, { ...reference, tag }, platform);
    });
  } catch (error) {
    throw translatePullError(
      error,
      reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference,
    );
  }
}

async function pullOne(
  context: PullContext,
  request: PullRequest,
  session: RegistrySession,
  reference: Reference,
  platform: Platform | undefined,
): Promise<void> {
  const { store, events } = context;
  const { onProgress } = request;
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  const known = await unchanged(context, session, reference, platform);
  const top = known === undefined ? await fetchManifest(session, wanted) : undefined;
  // "library/busybox", whatever the registry
  onProgress({ status: `Pulling from ${reference.path}`, id: wanted });
  let digest = known;
  let before = store.table.referenced(nameOf(reference))?.id;
  if (top) {
    digest = top.digest;
    const record = await bringImage(context, request, session, reference, top, platform);
    before = before === record.id ? record.id : undefined;
  }
  onProgress({ status: `Digest: ${digest}` });
  onProgress({
    status:
      before === undefined
        ? `Status: Downloaded newer image for ${familiar(reference)}`
        : `Status: Image is up to date for ${familiar(reference)}`,
  });
  events.emit('image', 'pull', familiar(reference), { name: familiarName(reference) });
}

const nameOf = ({ digest, ...rest }: Reference) => {
  const { tag: _tag, ...untagged } = rest;
  return digest === undefined ? fullReference(rest) : fullReference({ ...untagged, digest });
};

/** On the Hub, which counts fetched manifests against a limit but not questions for their digest: the digest, when we have it already. */
async function unchanged(
  context: PullContext,
  session: RegistrySession,
  reference: Reference,
  platform: Platform | undefined,
): Promise<string | undefined> {
  if (!isOfficialHub(reference) || reference.tag === undefined || reference.digest !== undefined) return undefined;
  const have = context.store.table.referenced(fullReference(reference));
  if (!have || (platform && !platformMatches(platform, have))) return undefined;
  const digest = await headManifest(session, reference.tag);
  if (digest === undefined) return undefined;
  return context.store.table.referenced(`${fullName(reference)}@${digest}`)?.id === have.id ? digest : undefined;
}

async function bringImage(
  context: PullContext,
  request: PullRequest,
  session: RegistrySession,
  reference: Reference,
  top: FetchedManifest,
  platform: Platform | undefined,
): Promise<ImageRecord> {
  const { store } = context;
  const { fetched, manifest, fromIndex } = await resolveManifest(session, top, platform ?? hostPlatform);
  const id = manifest.config.digest;
  const content = store.blobs.has(id) ? store.blobs.readSync(id) : await fetchBlob(session, id, manifest.config.size);
  const configuration = checkConfiguration(content, manifest, reference);
  if (!fromIndex) checkArchitecture(configuration, platform, reference, request.onProgress);
  const layers = manifest.layers.map((blob, index) => ({
    diffId: configuration.rootfs.diff_ids[index] as string,
    blob,
  }));
  const release = store.hold([id, fetched.digest, ...layers.flatMap((layer) => [layer.diffId, layer.blob.digest])]);
  try {
    await bringLayers(context, id, layers, session, request);
    await store.layers.sync();
    await store.blobs.write(id, content);
    await store.blobs.write(fetched.digest, fetched.content);
    const record = recordOf(store, manifest, fetched, configuration, layers);
    await remember(store, record, reference, top.digest);
    return record;
  } catch (error) {
    release();
    // blobs stay for the next attempt to go on from; layers that no image came of do not
    await store.release(
      layers.map((layer) => layer.diffId),
      [],
    );
    throw error;
  } finally {
    release();
  }
}

/** A single manifest says nothing of its platform before its configuration is read. */
function checkArchitecture(
  actual: ImageConfiguration,
  platform: Platform | undefined,
  reference: Reference,
  onProgress: OnProgress,
): void {
  const wanted = platform ?? hostPlatform;
  if (actual.architecture === '' || platformMatches(wanted, actual)) return;
  const message = `image with reference ${familiar(reference)} was found but does not match the ${platform ? 'specified' : "host's"} platform: wanted ${formatPlatform(wanted)}, actual: ${formatPlatform(actual)}`;
  if (platform === undefined && !canRun(actual)) throw notFound(message);
  onProgress({ status: `WARNING: ${message}` });
}

async function bringLayers(
  context: PullContext,
  id: string,
  layers: readonly WantedLayer[],
  session: RegistrySession,
  request: PullRequest,
): Promise<void> {
  const { fetcher } = context;
  // an image that is here whole: Docker says nothing of its layers
  if (context.store.table.byId(id) && layers.every((layer) => fetcher.isStored(layer))) return;
  const seen = new Set<string>();
  const wanted = layers.filter((layer) => !seen.has(layer.blob.digest) && seen.add(layer.blob.digest));
  const missing = wanted.filter((layer) => {
    const stored = fetcher.isStored(layer);
    layerProgress(request.onProgress, layer.blob.digest).say(stored ? 'Already exists' : 'Pulling fs layer');
    return !stored;
  });
  // the first failure stops the others; all have ended when this throws
  const abort = new AbortController();
  const signal = AbortSignal.any([request.signal, abort.signal]);
  let failure: unknown;
  await Promise.all(
    missing.map((layer) =>
      bringLayer(fetcher, layer, session, request.onProgress, signal).catch((error: unknown) => {
        failure ??= error;
        abort.abort();
      }),
    ),
  );
  if (failure !== undefined) throw failure;
}

async function bringLayer(
  fetcher: LayerFetcher,
  layer: WantedLayer,
  session: RegistrySession,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  const progress = layerProgress(onProgress, layer.blob.digest);
  const { size } = layer.blob;
  await fetcher.fetch(
    layer,
    session,
    {
      onWaiting: () => progress.say('Waiting'),
      onProgress: (fetched) => progress.downloading(fetched, size),
      onRetry: (seconds) => progress.say(`Retrying in ${seconds} second${seconds === 1 ? '' : 's'}`),
      onVerified: () => {
        progress.say('Verifying Checksum');
        progress.say('Download complete');
        progress.extracting(size, size);
      },
    },
    signal,
  );
  progress.say('Pull complete');
}

function recordOf(
  store: ImageStore,
  manifest: Manifest,
  fetched: FetchedManifest,
  configuration: ImageConfiguration,
  layers: readonly WantedLayer[],
): ImageRecord {
  return {
    id: manifest.config.digest,
    manifest: { mediaType: fetched.mediaType, digest: fetched.digest, size: fetched.content.length },
    layers: layers.map(({ diffId, blob }) => ({
      diffId,
      blob: { mediaType: blob.mediaType, digest: blob.digest, size: blob.size },
    })),
    architecture: configuration.architecture,
    ...(configuration.variant ? { variant: configuration.variant } : {}),
    os: configuration.os,
    created: configuration.created ?? '',
    size: layers.reduce((sum, { diffId }) => sum + (store.layers.get(diffId)?.size ?? 0), 0),
    tagged: timestampOf(Date.now()),
  };
}

/** Makes the image visible, with its names in the same step: by tag, and by the digest that the registry knows it under. */
async function remember(store: ImageStore, record: ImageRecord, reference: Reference, digest: string): Promise<void> {
  await store.table.update((images, references) => {
    images.set(record.id, record);
    if (reference.digest === undefined) references.set(fullReference(reference), record.id);
    references.set(`${fullName(reference)}@${digest}`, record.id);
  });
}
