import { conflict, notFound, type EngineError } from '../../api/errors.ts';
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
import { formatPlatform, parsePlatform, platformMatches } from '../../images/platform.ts';
import { diffIdsOf } from '../../images/store/image-store.ts';
import type { ImageRecord } from '../../images/store/image-table.ts';
import { emitImageEvent, isIdPrefix, labelsOf, type ImageContext } from './context.ts';

export interface RemoveOptions {
  force: boolean;
  /** the images it was made of stay, though nothing else needs them */
  noprune: boolean;
  /** "linux/arm64": only when the image is for it */
  platform?: string;
}
/** What stands against a removal, besides children and running containers, which always do. */
interface Checks {
  /** any name counts */
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

interface Conflict {
  error: EngineError;
  /** by a container */
  used: boolean;
}

/** The first of what stands against a removal (moby `checkImageDeleteConflict`). */
function conflictOf(context: ImageContext, image: ImageRecord, checks: Checks): Conflict | undefined {
  const found = (how: string, why: string, used = false): Conflict => ({
    error: conflict(`conflict: unable to delete ${shortId(image.id)} (${how}) - ${why}`),
    used,
  });
  if (hasChildren(context, image.id)) return found('cannot be forced', 'image has dependent child images');
  const users = context.users.usersOf(image.id);
  const named = (kind: string, id: string) => `image is being used by ${kind} container ${id.slice(0, 12)}`;
  const running = users.find((user) => user.running);
  if (running) return found('cannot be forced', named('running', running.id), true);
  if (checks.names && context.store.table.referencesOf(image.id).length > 0)
    return found('must be forced', 'image is referenced in multiple repositories');
  const stopped = checks.stopped ? users[0] : undefined;
  return stopped && found('must be forced', named('stopped', stopped.id), true);
}

/** Images that were made of this one. */
export function hasChildren({ store }: ImageContext, id: string): boolean {
  for (const image of store.table.visible()) if (image.parent === id) return true;
  return false;
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
 * DELETE /images/NAME (moby `ImageDelete`): a name takes away that name, and the image with its last unless something still needs it; an
 * id takes away the image with its one name. Conflicts are found before anything is changed.
 */
export async function removeImage(
  context: ImageContext,
  text: string,
  { force, noprune, platform }: RemoveOptions,
): Promise<ImageDeleteItem[]> {
  const { store } = context;
  const image = getForPlatform(context, text, platform);
  const references = store.table.referencesOf(image.id);
  const single = references.length > 0 && areOneName(references);
  if (isIdPrefix(image, text)) {
    const found = conflictOf(context, image, { names: !force && !single, stopped: !force });
    if (found) throw found.error;
    return removeWhole(context, image, references, noprune);
  }
  const user = single && !force ? context.users.usersOf(image.id)[0] : undefined;
  if (user)
    throw conflict(
      `conflict: unable to remove repository reference "${text}" (must force) - container ${user.id.slice(0, 12)} is using its referenced image ${shortId(image.id)}`,
    );
  const { tag, ...parsed } = withDefaultTag(parseReference(text));
  const going = namesGoing(references, parsed.digest === undefined ? { ...parsed, tag } : parsed);
  const stays =
    references.length > going.length || conflictOf(context, image, { names: false, stopped: !force }) !== undefined;
  return stays ? untag(context, image, going) : removeWhole(context, image, going, noprune, 1);
}

/** The image of a name or id, if it is for the platform. */
export function getForPlatform({ store }: ImageContext, text: string, platform: string | undefined): ImageRecord {
  const image = store.table.get(text);
  const wanted = platform === undefined ? undefined : parsePlatform(platform);
  if (!wanted || platformMatches(wanted, image)) return image;
  throw notFound(
    `image with reference ${text} was found but its platform (${formatPlatform(image)}) does not match the specified platform (${formatPlatform(wanted)})`,
  );
}

async function untag(
  context: ImageContext,
  image: ImageRecord,
  going: readonly Reference[],
): Promise<ImageDeleteItem[]> {
  await context.store.table.update((_images, names) =>
    going.forEach((reference) => names.delete(fullReference(reference))),
  );
  emitImageEvent(context, 'untag', image, image.id);
  return going.map((reference) => ({ Untagged: familiar(reference) }));
}

/**
 * With all its names. Resolves to what Docker says of it: names, the image, and the layers (by chain id) that went with it; then the same
 * of the images it was made of, as far as nothing else needs them. `events`: how many of the names an event is told for.
 */
async function removeWhole(
  context: ImageContext,
  image: ImageRecord,
  names: readonly Reference[],
  noprune: boolean,
  events = names.length,
): Promise<ImageDeleteItem[]> {
  const labels = labelsOf(context, image);
  const diffIds = diffIdsOf(image);
  const { layers } = await context.store.delete(image, context.users);
  names.slice(0, events).forEach(() => emitImageEvent(context, 'untag', image, image.id, labels));
  emitImageEvent(context, 'delete', image, image.id, labels);
  const gone = new Set(layers);
  const chain = chainIds(diffIds).filter((_id, index) => gone.has(diffIds[index] as string));
  const items = [
    ...names.map((reference) => ({ Untagged: familiar(reference) })),
    { Deleted: image.id },
    ...chain.reverse().map((id) => ({ Deleted: id })),
  ];
  const parent = noprune || image.parent === undefined ? undefined : context.store.table.byId(image.parent);
  if (!parent || parent.hidden || conflictOf(context, parent, { names: true, stopped: true })) return items;
  return [...items, ...(await removeWhole(context, parent, [], false))];
}
