import { conflict, EngineError } from '../../api/errors.ts';
import type { ImageDeleteItem } from '../../api/image.ts';
import { chainIds, shortId } from '../../images/digest.ts';
import {
  familiar,
  fullName,
  fullReference,
  parseReference,
  withDefaultTag,
  type Reference,
} from '../../images/reference/parse.ts';
import { diffIdsOf } from '../../images/store/image-store.ts';
import type { ImageRecord } from '../../images/store/image-table.ts';
import { emitImageEvent, isIdPrefix, labelsOf, type ImageContext } from './context.ts';

export interface RemoveOptions {
  force: boolean;
}
/** What stands against a removal: `hard` also against a forced one. */
interface Checks {
  /** several names count */
  names: boolean;
  /** stopped containers count */
  stopped: boolean;
}

const isDigest = (reference: Reference) => reference.digest !== undefined;

/** One tag, with digests of the same repository at most: the names go together (moby `isSingleReference`). */
function areOneName(references: readonly Reference[]): boolean {
  if (references.length <= 1) return true;
  const tags = references.filter((reference) => !isDigest(reference));
  if (tags.length > 1) return false;
  return new Set(references.map(fullName)).size === 1;
}

function checkConflicts(context: ImageContext, image: ImageRecord, checks: Checks): void {
  const id = shortId(image.id);
  const users = context.users.usersOf(image.id);
  const running = users.find((user) => user.running);
  if (running)
    throw conflict(
      `conflict: unable to delete ${id} (cannot be forced) - image is being used by running container ${running.id.slice(0, 12)}`,
    );
  if (checks.names && context.store.table.referencesOf(image.id).length > 0)
    throw conflict(`conflict: unable to delete ${id} (must be forced) - image is referenced in multiple repositories`);
  const stopped = checks.stopped ? users[0] : undefined;
  if (stopped)
    throw conflict(
      `conflict: unable to delete ${id} (must be forced) - image is being used by stopped container ${stopped.id.slice(0, 12)}`,
    );
}

/** The names that go when `reference` goes: with a repository's last tag also its digests. */
function namesGoing(all: readonly Reference[], reference: Reference): Reference[] {
  const sameName = all.filter(
    (other) => fullName(other) === fullName(reference) && fullReference(other) !== fullReference(reference),
  );
  if (isDigest(reference) || sameName.some((other) => !isDigest(other))) return [reference];
  return [reference, ...sameName];
}

/**
 * DELETE /images/NAME (moby `ImageDelete`): a name takes away that name, and the image with its last; an id takes away the image with its
 * one name. Conflicts are found before anything is changed.
 */
export async function removeImage(
  context: ImageContext,
  text: string,
  { force }: RemoveOptions,
): Promise<ImageDeleteItem[]> {
  const { store } = context;
  const image = store.table.get(text);
  const references = store.table.referencesOf(image.id);
  let going: Reference[];
  if (isIdPrefix(image, text)) {
    const single = areOneName(references);
    checkConflicts(context, image, { names: !force && !single, stopped: !force });
    going = references;
  } else {
    const { tag, ...parsed } = withDefaultTag(parseReference(text));
    going = namesGoing(references, parsed.digest === undefined ? { ...parsed, tag } : parsed);
    const remain = references.length - going.length;
    if (areOneName(references) && remain === 0) {
      const user = context.users.usersOf(image.id)[0];
      if (user && !force)
        throw conflict(
          `conflict: unable to remove repository reference "${text}" (must force) - container ${user.id.slice(0, 12)} is using its referenced image ${shortId(image.id)}`,
        );
    }
    if (remain > 0) return untag(context, image, going);
    checkConflicts(context, image, { names: false, stopped: !force });
  }
  return removeWhole(context, image, going);
}

async function untag(
  context: ImageContext,
  image: ImageRecord,
  going: readonly Reference[],
): Promise<ImageDeleteItem[]> {
  await context.store.table.update((_images, names) =>
    going.forEach((reference) => names.delete(fullReference(reference))),
  );
  going.forEach(() => emitImageEvent(context, 'untag', image, image.id));
  return going.map((reference) => ({ Untagged: familiar(reference) }));
}

/** With all its names. Resolves to what Docker says of it: names, the image, and the layers (by chain id) that went with it. */
export async function removeWhole(
  context: ImageContext,
  image: ImageRecord,
  names: readonly Reference[],
): Promise<ImageDeleteItem[]> {
  const labels = labelsOf(context, image);
  const diffIds = diffIdsOf(image);
  const { layers } = await context.store.delete(image, context.users);
  names.forEach(() => emitImageEvent(context, 'untag', image, image.id, labels));
  emitImageEvent(context, 'delete', image, image.id, labels);
  const gone = new Set(layers);
  const chain = chainIds(diffIds).filter((_id, index) => gone.has(diffIds[index] as string));
  return [
    ...names.map((reference) => ({ Untagged: familiar(reference) })),
    { Deleted: image.id },
    ...chain.reverse().map((id) => ({ Deleted: id })),
  ];
}

/** As `removeImage`, for a prune: what cannot go stays, without a word. */
export async function tryRemove(
  context: ImageContext,
  image: ImageRecord,
): Promise<{ items: ImageDeleteItem[]; freed: number }> {
  const before = context.store.table.byId(image.id);
  if (!before || context.users.usersOf(image.id).length > 0) return { items: [], freed: 0 };
  try {
    const diffIds = diffIdsOf(image);
    const names = context.store.table.referencesOf(image.id);
    const size = (diffId: string) => context.store.layers.get(diffId)?.size ?? 0;
    const sizes = new Map(diffIds.map((diffId) => [diffId, size(diffId)]));
    const items = await removeWhole(context, image, names);
    const freed = [...sizes].reduce((sum, [diffId, bytes]) => sum + (context.store.layers.get(diffId) ? 0 : bytes), 0);
    return { items, freed };
  } catch (error) {
    if (error instanceof EngineError && error.kind === 'conflict') return { items: [], freed: 0 };
    throw error;
  }
}
