import type { ImageHistoryItem, ImageInspect } from '../../api/image.ts';
import { familiar } from '../../images/reference/parse.ts';
import { diffIdsOf } from '../../images/store/image-store.ts';
import type { ImageRecord } from '../../images/store/image-table.ts';
import { createdOf } from './list.ts';
import { parentOf, type ImageContext } from './context.ts';
import { getForPlatform } from './remove.ts';

/** GET /images/NAME/json */
export async function inspectImage(context: ImageContext, name: string, platform?: string): Promise<ImageInspect> {
  const image = getForPlatform(context, name, platform);
  const configuration = context.store.table.configuration(image.id);
  const references = context.store.table.referencesOf(image.id);
  const diffs = [...new Set(diffIdsOf(image).reverse())].map((diffId) => context.store.paths.diff(diffId));
  const [upper, ...lower] = diffs;
  return {
    Id: image.id,
    RepoTags: references.filter(({ digest }) => digest === undefined).map(familiar),
    RepoDigests: references.filter(({ digest }) => digest !== undefined).map(familiar),
    Parent: parentOf(context, image),
    Comment: configuration.comment ?? configuration.history?.at(-1)?.comment ?? '',
    Created: image.created,
    DockerVersion: configuration.docker_version ?? '',
    Author: configuration.author ?? '',
    Container: configuration.container ?? '',
    ContainerConfig: configuration.container_config ?? null,
    Config: configuration.config ?? {},
    Architecture: image.architecture,
    ...(image.variant === undefined ? {} : { Variant: image.variant }),
    Os: image.os,
    ...(configuration['os.version'] ? { OsVersion: configuration['os.version'] } : {}),
    Size: image.size,
    GraphDriver: {
      Name: 'overlay2',
      Data:
        upper === undefined ? null : { ...(lower.length > 0 ? { LowerDir: lower.join(':') } : {}), UpperDir: upper },
    },
    RootFS: { Type: 'layers', Layers: diffIdsOf(image) },
    Metadata: { LastTagTime: image.tagged },
  };
}

/** GET /images/NAME/history, newest first. Only what is an image here has an id: the image itself, and those it was made of. */
export async function imageHistory(
  context: ImageContext,
  name: string,
  platform?: string,
): Promise<ImageHistoryItem[]> {
  const image = getForPlatform(context, name, platform);
  const { history } = context.store.table.configuration(image.id);
  const sizes = diffIdsOf(image).map((diffId) => context.store.layers.get(diffId)?.size ?? 0);
  const steps =
    history ?? sizes.map(() => ({ created: image.created, created_by: '', comment: '', empty_layer: false }));
  let layer = 0;
  const items = steps
    .map((step): ImageHistoryItem => ({
      Id: '<missing>',
      Created: step.created ? Math.floor(createdOf({ ...image, created: step.created }) / 1000) : 0,
      CreatedBy: step.created_by ?? '',
      Tags: null,
      Size: step.empty_layer ? 0 : (sizes[layer++] ?? 0),
      Comment: step.comment ?? '',
    }))
    .reverse();
  let below: ImageRecord | undefined = image;
  for (const item of items) {
    if (!below) break;
    item.Id = below.id;
    const tags = context.store.table.referencesOf(below.id).filter(({ digest }) => digest === undefined);
    item.Tags = tags.length > 0 ? tags.map(familiar) : null;
    const parent = parentOf(context, below);
    below = parent === '' ? undefined : context.store.table.byId(parent);
  }
  return items;
}
