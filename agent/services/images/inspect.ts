import type { ImageHistoryItem, ImageInspect } from '../../api/image.ts';
import { familiar } from '../../images/reference/parse.ts';
import { diffIdsOf } from '../../images/store/image-store.ts';
import { ZERO_TIME } from '../../system/clock.ts';
import { createdOf } from './list.ts';
import type { ImageContext } from './context.ts';

/** GET /images/NAME/json */
export async function inspectImage(context: ImageContext, name: string): Promise<ImageInspect> {
  const image = context.store.table.get(name);
  const configuration = context.store.table.configuration(image.id);
  const references = context.store.table.referencesOf(image.id);
  const diffs = [...new Set(diffIdsOf(image).reverse())].map((diffId) => context.store.paths.diff(diffId));
  const [upper, ...lower] = diffs;
  return {
    Id: image.id,
    RepoTags: references.filter(({ digest }) => digest === undefined).map(familiar),
    RepoDigests: references.filter(({ digest }) => digest !== undefined).map(familiar),
    Parent: '',
    Comment: configuration.comment ?? configuration.history?.at(-1)?.comment ?? '',
    Created: image.created || ZERO_TIME,
    DockerVersion: configuration.docker_version ?? '',
    Author: configuration.author ?? '',
    Config: configuration.config ?? {},
    Architecture: image.architecture,
    ...(image.variant === undefined ? {} : { Variant: image.variant }),
    Os: image.os,
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

/** GET /images/NAME/history, newest first. Only the image itself has an id: the steps before it are not images. */
export async function imageHistory(context: ImageContext, name: string): Promise<ImageHistoryItem[]> {
  const image = context.store.table.get(name);
  const { history } = context.store.table.configuration(image.id);
  const sizes = diffIdsOf(image).map((diffId) => context.store.layers.get(diffId)?.size ?? 0);
  const steps =
    history ?? sizes.map(() => ({ created: image.created, created_by: '', comment: '', empty_layer: false }));
  let layer = 0;
  const items = steps.map((step): ImageHistoryItem => ({
    Id: '<missing>',
    Created: Math.floor(createdOf({ ...image, created: step.created ?? '' }) / 1000),
    CreatedBy: step.created_by ?? '',
    Tags: null,
    Size: step.empty_layer ? 0 : (sizes[layer++] ?? 0),
    Comment: step.comment ?? '',
  }));
  const newest = items.at(-1);
  if (newest) {
    newest.Id = image.id;
    const tags = context.store.table.referencesOf(image.id).filter(({ digest }) => digest === undefined);
    newest.Tags = tags.length > 0 ? tags.map(familiar) : null;
  }
  return items.reverse();
}
