import { join } from 'node:path';
import { conflict, notFound } from '../../api/errors.ts';
import type { ContainerConfig } from '../../api/container.ts';
import { BERTH_VERSION } from '../../api/version.ts';
import { applyChanges } from '../../images/dockerfile/apply-changes.ts';
import { familiar } from '../../images/reference/parse.ts';
import { blobsOf, diffIdsOf } from '../../images/store/image-store.ts';
import type { ImageConfiguration, ImageRecord } from '../../images/store/image-table.ts';
import type { CommitBackend, CommitRequest } from '../../images/types.ts';
import type { Layout } from '../../store/layout.ts';
import { systemClock } from '../../system/clock.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerLookup } from '../containers/types.ts';
import { addImages, type NewLayer } from './add-images.ts';
import { stageLayer } from './add-layer.ts';
import { diffArchive } from './commit-diff.ts';
import { emitImageEvent, type ImageContext } from './context.ts';
import { checkSignal, newName } from './import.ts';
import { mergeConfig } from './merge-config.ts';
import { emitTagEvent } from './tag.ts';

export interface CommitParts {
  containers: ContainerLookup;
  /** what stops and lets go on a container's processes */
  pausing: { pause(reference: string): Promise<void>; unpause(reference: string): Promise<void> };
  layout: Layout;
  sys: Syscalls;
}

/** What is needed of the images, handed over by their service. */
export type CommitOf = (parts: CommitParts) => CommitBackend;

export const createCommit =
  (context: ImageContext): CommitOf =>
  (parts) => ({ commit: (request) => commit(context, parts, request) });

/** POST /commit: the container's image with one more layer, and its configuration with the changes. */
async function commit(context: ImageContext, parts: CommitParts, request: CommitRequest): Promise<string> {
  const { store, events } = context;
  const name = newName(request.repository, request.tag);
  const record = parts.containers.get(request.container);
  checkState(record);
  const base = store.table.byId(record.imageId);
  if (!base) throw notFound(`No such image: ${record.imageId}`);
  const changed = applyChanges(request.config ?? record.config, request.changes, checkSignal);
  const config = mergeConfig(changed, record.config);
  const release = store.hold([...blobsOf(base), ...diffIdsOf(base)]);
  const directory = await store.layers.begin();
  try {
    const layer = await paused(parts, record, request.pause, () =>
      stageDiff(context, parts, record, base, join(directory, 'layer'), request.signal),
    );
    const configuration = childConfiguration(context, record, base, request, config, layer);
    const content = Buffer.from(JSON.stringify(configuration));
    const layers: NewLayer[] = [...base.layers, ...(layer ? [layer] : [])];
    const parent = base.hidden ? {} : { parent: base.id };
    const image = { content, configuration, layers, names: name ? [name] : [], ...parent };
    const [made] = await addImages(context, [image], request.signal);
    if (!made) throw new Error('no image was made');
    emitImageEvent(context, 'create', made, made.id);
    if (name) emitTagEvent(context, made, name);
    events.emit('container', 'commit', record.id, {
      ...record.config.Labels,
      image: record.imageName,
      name: record.name,
      comment: request.comment,
      imageID: made.id,
      imageRef: name ? familiar(name) : '',
    });
    return made.id;
  } finally {
    release();
    await store.layers.abandon(directory);
  }
}

function checkState({ id, state }: ContainerRecord): void {
  if (state.Status === 'dead') throw conflict(`You cannot commit container ${id} which is Dead`);
  if (state.Status === 'removing') throw conflict(`You cannot commit container ${id} which is being removed`);
}

/** A container that cannot be paused (it does not run) is read as it is. */
async function paused<T>(
  { pausing }: CommitParts,
  { id, state }: ContainerRecord,
  wanted: boolean,
  work: () => Promise<T>,
): Promise<T> {
  const stands =
    wanted &&
    state.Status === 'running' &&
    (await pausing.pause(id).then(
      () => true,
      () => false,
    ));
  try {
    return await work();
  } finally {
    if (stands) await pausing.unpause(id).catch(() => undefined);
  }
}

async function stageDiff(
  context: ImageContext,
  { layout, sys }: CommitParts,
  record: ContainerRecord,
  base: ImageRecord,
  file: string,
  signal: AbortSignal,
): Promise<NewLayer | undefined> {
  const { upper } = layout.overlay(record.id);
  const lowers = context.store.layers.lowerdirs(diffIdsOf(base));
  const archive = await diffArchive({ upper, lowers, idMap: record.idMap }, sys, signal);
  return archive && stageLayer(context, archive, file, signal);
}

/** The base's configuration one step further (moby `NewChildImage`), its keys in order. */
function childConfiguration(
  context: ImageContext,
  record: ContainerRecord,
  base: ImageRecord,
  { author, comment }: CommitRequest,
  config: ContainerConfig,
  layer: NewLayer | undefined,
): ImageConfiguration {
  const { history, rootfs, ...below } = context.store.table.configuration(base.id);
  const created = systemClock.timestamp();
  const step = {
    created,
    ...(author === '' ? {} : { author }),
    created_by: (record.config.Cmd ?? []).join(' '),
    ...(comment === '' ? {} : { comment }),
    ...(layer ? {} : { empty_layer: true }),
  };
  return {
    architecture: base.architecture,
    ...(author === '' ? {} : { author }),
    config,
    container: record.id,
    container_config: record.config,
    created,
    docker_version: BERTH_VERSION,
    history: [...(history ?? []), step],
    os: base.os,
    ...(below['os.version'] === undefined ? {} : { 'os.version': below['os.version'] }),
    rootfs: { type: 'layers', diff_ids: [...(rootfs.diff_ids ?? []), ...(layer ? [layer.diffId] : [])] },
    ...(base.variant === undefined ? {} : { variant: base.variant }),
  };
}
