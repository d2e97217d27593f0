import type { ImageDeleteItem } from '../../api/image.ts';
import { matchLabels, type Filters } from '../../http/query.ts';
import { blobsOf } from '../../images/store/image-store.ts';
import { booleanFilter, createdOf, parseTime } from './list.ts';
import { labelsOf, type ImageContext } from './context.ts';
import { tryRemove } from './remove.ts';

export const PRUNE_FILTERS = ['dangling', 'label', 'label!', 'until'] as const;

/** POST /images/prune: images without a tag (`dangling=false`: all) that no container has. */
export async function pruneImages(
  context: ImageContext,
  filters: Filters,
): Promise<{ ImagesDeleted: ImageDeleteItem[] | null; SpaceReclaimed: number }> {
  const danglingOnly = booleanFilter(filters, 'dangling') ?? true;
  const until = [...(filters.get('until') ?? [])].map((text) => parseTime(text));
  const unwanted = filters.get('label!');
  const deleted: ImageDeleteItem[] = [];
  let freed = 0;
  await context.store.dropUnusedHidden(context.users);
  for (const image of [...context.store.table.visible()]) {
    const tagged = context.store.table.referencesOf(image.id).some(({ digest }) => digest === undefined);
    if (danglingOnly && tagged) continue;
    if (until.some((limit) => createdOf(image) > limit)) continue;
    const labels = labelsOf(context, image);
    if (!matchLabels(filters.get('label'), labels)) continue;
    if (unwanted && unwanted.size > 0 && matchLabels(unwanted, labels)) continue;
    const removed = await tryRemove(context, image);
    deleted.push(...removed.items);
    freed += removed.freed;
  }
  const used = new Set([...context.store.table.all()].flatMap(blobsOf));
  freed += await context.store.sweepBlobs(used);
  return { ImagesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: freed };
}
