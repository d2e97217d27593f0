import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LayerFetcher } from '../../images/pull/layer-fetcher.ts';
import { pullImage } from '../../images/pull/pull-image.ts';
import { RegistryClient } from '../../images/registry/client.ts';
import { closeConnections } from '../../images/registry/transport.ts';
import { ImageStore, diffIdsOf } from '../../images/store/image-store.ts';
import type { ImageRecord } from '../../images/store/image-table.ts';
import type { ImageBackend, ImageSource, ImageUsers, StoredImage } from '../../images/types.ts';
import { UnpackPool } from '../../images/unpack/pool.ts';
import type { Layout } from '../../store/layout.ts';
import type { Log } from '../../system/log.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import type { EngineConfig } from '../config.ts';
import type { EventSink } from '../events/types.ts';
import { checkAuth } from './auth.ts';
import { createCommit, type CommitOf } from './commit.ts';
import type { ImageContext } from './context.ts';
import { inspectDistribution, type DistributionBackend } from './distribution.ts';
import { imageHistory, inspectImage } from './inspect.ts';
import { importImage } from './import.ts';
import { listImages } from './list.ts';
import { loadImages } from './load.ts';
import { createPrune } from './prune.ts';
import { pushImage } from './push.ts';
import { removeImage } from './remove.ts';
import { saveImages } from './save.ts';
import { tagImage } from './tag.ts';

export interface ImageOptions {
  layout: Layout;
  sys: Syscalls;
  log: Log;
  config: EngineConfig;
  users: ImageUsers;
  events: EventSink;
}

export interface Images extends ImageSource, ImageBackend, DistributionBackend {
  /** Removes what was kept only for containers that are gone now. To be called after a container's removal. */
  collect(): Promise<void>;
  /** bytes of all unpacked layers, each counted once */
  layersSize(): Promise<number>;
  /** Makes images of containers, which are known only after the images. */
  commitOf: CommitOf;
  /** Ends workers and connections. */
  close(): Promise<void>;
}

/** Opens the image store, cleared of what an interrupted run left half-made. */
export async function createImages({ layout, sys, log, config, users, events }: ImageOptions): Promise<Images> {
  const store = new ImageStore(layout, log);
  await store.open();
  const pool = new UnpackPool();
  const client = new RegistryClient(config);
  let prefix: 'trusted.' | 'user.' | undefined;
  const overlayPrefix = () => (prefix ??= probeOverlayPrefix(store.paths.staging, sys));
  const fetcher = new LayerFetcher(store, pool, config.maxConcurrentDownloads, overlayPrefix);
  const context: ImageContext = { store, client, fetcher, events, users, pool, overlayPrefix };
  const stored = (image: ImageRecord): StoredImage => ({
    id: image.id,
    architecture: image.architecture,
    os: image.os,
    config: store.table.configuration(image.id).config ?? {},
    lowerdirs: store.layers.lowerdirs(diffIdsOf(image)),
    size: image.size,
  });
  return {
    resolve: (reference) => stored(store.table.get(reference)),
    byId: (id) => {
      const image = store.table.byId(id);
      return image && stored(image);
    },
    list: (options) => listImages(context, options),
    inspect: (reference, platform) => inspectImage(context, reference, platform),
    history: (reference, platform) => imageHistory(context, reference, platform),
    pull: (request) => pullImage(context, request),
    push: (request) => pushImage(context, request),
    save: (request, send) => saveImages(context, request, send),
    load: (request) => loadImages(context, request),
    import: (request) => importImage(context, request),
    tag: (reference, repository, tag) => tagImage(context, reference, repository, tag),
    remove: (reference, options) => removeImage(context, reference, options),
    prune: createPrune(context),
    auth: (auth) => checkAuth(config, auth),
    distribution: (reference, auth, signal) => inspectDistribution(context, reference, auth, signal),
    commitOf: createCommit(context),
    layersSize: async () =>
      [...store.layers.diffIds()].reduce((sum, diffId) => sum + (store.layers.get(diffId)?.size ?? 0), 0),
    collect: () => store.dropUnusedHidden(users),
    close: async () => {
      await pool.close();
      closeConnections();
    },
  };
}

/** overlayfs' attributes are `trusted.`; in a user namespace, which may not set those, `user.` (mount option `userxattr`). */
function probeOverlayPrefix(staging: string, sys: Syscalls): 'trusted.' | 'user.' {
  const directory = mkdtempSync(join(staging, 'probe-'));
  try {
    sys.lsetxattr(directory, 'trusted.overlay.opaque', Buffer.from('y'));
    return 'trusted.';
  } catch {
    return 'user.';
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
