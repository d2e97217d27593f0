import { EngineError, conflict, systemError } from '../../api/errors.ts';
import type { ImageDeleteItem } from '../../api/image.ts';
import { matchLabels, type Filters } from '../../http/query.ts';
import { blobsOf, diffIdsOf } from '../../images/store/image-store.ts';
import { familiar } from '../../images/reference/parse.ts';
import type { ImageRecord } from '../../images/store/image-table.ts';
import { booleanFilter, createdOf, parseTime } from './list.ts';
import { labelsOf, type ImageContext } from './context.ts';
import { hasChildren, removeImage } from './remove.ts';

export const PRUNE_FILTERS = ['dangling', 'label', 'label!', 'until'] as const;

export interface PruneReport {
  ImagesDeleted: ImageDeleteItem[] | null;
  SpaceReclaimed: number;
}

/** POST /images/prune, one at a time: images without a tag (`dangling=false`: all) that no container has. */
export function createPrune(context: ImageContext): (filters: Filters) => Promise<PruneReport> {
  let running = false;
  return async (filters) => {
    if (running) throw conflict('a prune operation is already running');
    running = true;
    try {
      return await prune(context, filters);
    } finally {
      running = false;
    }
  };
}

async function prune(context: ImageContext, filters: Filters): Promise<PruneReport> {
  const { store, events, users } = context;
  const danglingOnly = booleanFilter(filters, 'dangling') ?? true;
  const wanted = chosenBy(context, filters, danglingOnly);
  await store.dropUnusedHidden(users);
  const before = bytesOfLayers(context);
  const deleted: ImageDeleteItem[] = [];
  for (const { id } of wanted) {
    const image = store.table.byId(id);
    if (image && !image.hidden) deleted.push(...(await tryRemove(context, image)));
  }
  const used = new Set([...store.table.all()].flatMap(blobsOf));
  const SpaceReclaimed = Math.max(0, before - bytesOfLayers(context)) + (await store.sweepBlobs(used));
  events.emit('image', 'prune', '', { reclaimed: String(SpaceReclaimed) });
  return { ImagesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed };
}

/** Newest first, so that an image goes before the one it was made of. */
function chosenBy(context: ImageContext, filters: Filters, danglingOnly: boolean): ImageRecord[] {
  const { table } = context.store;
  const limits = [...(filters.get('until') ?? [])];
  if (limits.length > 1) throw systemError('more than one until filter specified');
  const until = limits[0] === undefined ? undefined : parseTime(limits[0]);
  const unwanted = filters.get('label!');
  const chosen = [...table.visible()].filter((image) => {
    const names = table.referencesOf(image.id);
    if (danglingOnly && names.some(({ digest }) => digest === undefined)) return false;
    if ((danglingOnly || names.length === 0) && hasChildren(context, image.id)) return false;
    if (until !== undefined && (image.created === '' || createdOf(image) > until)) return false;
    const labels = labelsOf(context, image);
    if (!matchLabels(filters.get('label'), labels)) return false;
    return !(unwanted && unwanted.size > 0 && matchLabels(unwanted, labels));
  });
  return chosen.sort((a, b) => createdOf(b) - createdOf(a));
}

function bytesOfLayers({ store }: ImageContext): number {
  const diffIds = new Set([...store.table.all()].flatMap(diffIdsOf));
  return [...diffIds].reduce((sum, diffId) => sum + (store.layers.get(diffId)?.size ?? 0), 0);
}

/** By each of its names, or by its id; what cannot go stays, without a word, and what a container has keeps its names too. */
async function tryRemove(context: ImageContext, image: ImageRecord): Promise<ImageDeleteItem[]> {
  if (context.users.usersOf(image.id).length > 0) return [];
  const names = context.store.table.referencesOf(image.id).map(familiar);
  const items: ImageDeleteItem[] = [];
  for (const name of names.length > 0 ? names : [image.id]) {
    // with a repository's last tag its digests go too
    if (context.store.table.find(name)?.id !== image.id) continue;
    try {
      items.push(...(await removeImage(context, name, { force: false, noprune: false })));
    } catch (error) {
      if (!(error instanceof EngineError && error.kind === 'conflict')) throw error;
    }
  }
  return items;
}
