import { matchesGlob } from 'node:path';
import { invalid } from '../../api/errors.ts';
import type { ImageSummary } from '../../api/image.ts';
import { matchLabels, type Filters } from '../../http/query.ts';
import { familiar, familiarName, fullName, fullReference, type Reference } from '../../images/reference/parse.ts';
import { diffIdsOf } from '../../images/store/image-store.ts';
import type { ImageRecord } from '../../images/store/image-table.ts';
import { labelsOf, parentOf, type ImageContext } from './context.ts';
import { hasChildren } from './remove.ts';

export const IMAGE_FILTERS = ['dangling', 'label', 'before', 'since', 'until', 'reference'] as const;

/** Milliseconds; Docker's images without a date count as made at its zero time. */
export const createdOf = (image: ImageRecord) => {
  const time = Date.parse(image.created);
  return Number.isNaN(time) ? Date.parse('0001-01-01T00:00:00Z') : time;
};

/** A filter that is "true" or "false"; undefined when it is not given. */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (!values || values.size === 0) return undefined;
  const is = (words: readonly string[]) => words.some((word) => values.has(word));
  const [yes, no] = [is(['1', 'true']), is(['0', 'false'])];
  if (yes === no) throw invalid(`invalid filter '${name}=[${[...values].join(' ')}]'`);
  return yes;
}

/** "2024-01-02T…", seconds since the epoch, or a duration ("24h", "10m30s") before now; in milliseconds. */
export function parseTime(text: string, now = Date.now()): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    let ago = 0;
    for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
      ago += Number(value) * (units[unit ?? 's'] ?? 0);
    return now - ago;
  }
  const parsed = Date.parse(text);
  if (Number.isNaN(parsed)) throw invalid(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return parsed;
}

/** As Docker shows it and in full, each with and without the tag. */
const namesOf = (reference: Reference): string[] =>
  [familiarName, familiar, fullName, fullReference].map((name) => name(reference));

/** Path patterns as in Go's `path.Match` (distribution/reference `FamiliarMatch`). */
function matchesReference(patterns: ReadonlySet<string>, references: readonly Reference[]): boolean {
  return references.some((reference) =>
    [...patterns].some((pattern) => {
      try {
        return namesOf(reference).some((name) => matchesGlob(name, pattern));
      } catch (error) {
        throw invalid(`syntax error in pattern`, error);
      }
    }),
  );
}

function timeBounds(context: ImageContext, filters: Filters): { after: number; before: number } {
  let [after, before] = [-Infinity, Infinity];
  for (const name of filters.get('before') ?? []) before = Math.min(before, createdOf(context.store.table.get(name)));
  for (const text of filters.get('until') ?? []) before = Math.min(before, parseTime(text));
  for (const name of filters.get('since') ?? []) after = Math.max(after, createdOf(context.store.table.get(name)));
  return { after, before };
}

/** GET /images/json, newest first. */
export async function listImages(
  context: ImageContext,
  { all, filters, sharedSize }: { all: boolean; filters: Filters; sharedSize: boolean },
): Promise<ImageSummary[]> {
  const dangling = booleanFilter(filters, 'dangling');
  const { after, before } = timeBounds(context, filters);
  const patterns = filters.get('reference');
  const shared = sharedSize ? sharedLayers(context) : undefined;
  const found: ImageSummary[] = [];
  for (const image of context.store.table.visible()) {
    const created = createdOf(image);
    if (image.created === '' ? after !== -Infinity || before !== Infinity : created >= before || created <= after)
      continue;
    const labels = labelsOf(context, image);
    if (!matchLabels(filters.get('label'), labels)) continue;
    let references = context.store.table.referencesOf(image.id);
    if (patterns && patterns.size > 0) {
      references = references.filter((reference) => matchesReference(patterns, [reference]));
      if (references.length === 0) continue;
    }
    const tags = references.filter(({ digest }) => digest === undefined);
    const children = (tags.length === 0 || dangling === true) && hasChildren(context, image.id);
    if (dangling === true && (tags.length > 0 || children)) continue;
    if (references.length === 0 && (dangling === false || (children && !all))) continue;
    found.push({
      Id: image.id,
      ParentId: parentOf(context, image),
      RepoTags: tags.map(familiar),
      RepoDigests: references.filter(({ digest }) => digest !== undefined).map(familiar),
      Created: image.created === '' ? 0 : Math.floor(created / 1000),
      Size: image.size,
      SharedSize: shared ? shared(image) : -1,
      Labels: Object.keys(labels).length > 0 ? labels : null,
      Containers: context.users.usersOf(image.id).length,
    });
  }
  return found.sort((a, b) => b.Created - a.Created);
}

/** Bytes of an image's layers that another image has too. */
function sharedLayers(context: ImageContext): (image: ImageRecord) => number {
  const count = new Map<string, number>();
  for (const image of context.store.table.visible())
    for (const diffId of new Set(diffIdsOf(image))) count.set(diffId, (count.get(diffId) ?? 0) + 1);
  return (image) =>
    [...new Set(diffIdsOf(image))]
      .filter((diffId) => (count.get(diffId) ?? 0) > 1)
      .reduce((sum, diffId) => sum + (context.store.layers.get(diffId)?.size ?? 0), 0);
}
