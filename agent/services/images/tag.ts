import { invalid } from '../../api/errors.ts';
import {
  checkTag,
  familiar,
  familiarName,
  fullReference,
  parseReference,
  withDefaultTag,
  type Reference,
} from '../../images/reference/parse.ts';
import type { ImageRecord } from '../../images/store/image-table.ts';
import { timestampOf } from '../../system/clock.ts';
import { emitImageEvent, type ImageContext } from './context.ts';

/** POST /images/NAME/tag */
export async function tagImage(context: ImageContext, name: string, repository: string, tag: string): Promise<void> {
  const parsed = parseReference(repository);
  if (parsed.digest !== undefined) throw invalid('refusing to create a tag with a digest reference');
  const target = withDefaultTag(tag === '' ? parsed : { ...parsed, tag: checkTag(tag) });
  if (familiarName(target) === 'sha256')
    throw invalid('refusing to create an ambiguous tag using digest algorithm as name');
  const image = context.store.table.get(name);
  await context.store.table.update((images, references) => {
    images.set(image.id, { ...image, tagged: timestampOf(Date.now()) });
    references.set(fullReference(target), image.id);
  });
  emitTagEvent(context, image, target);
}

export const emitTagEvent = (context: ImageContext, image: ImageRecord, name: Reference) =>
  emitImageEvent(context, 'tag', image, familiar(name));
