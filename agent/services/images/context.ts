import { hexOf } from '../../images/digest.ts';
import type { PullContext } from '../../images/pull/pull-image.ts';
import type { ImageRecord } from '../../images/store/image-table.ts';
import type { ImageUsers } from '../../images/types.ts';
import type { UnpackPool } from '../../images/unpack/pool.ts';

/** What the verbs of this folder work with. */
export interface ImageContext extends PullContext {
  users: ImageUsers;
  /** unpacks what comes from archives rather than from a registry */
  pool: UnpackPool;
  overlayPrefix: () => 'trusted.' | 'user.';
}

/** Labels of an image's configuration. */
export function labelsOf(context: ImageContext, image: ImageRecord): Record<string, string> {
  return context.store.table.configuration(image.id).config?.Labels ?? {};
}

/** Says what happened to an image, with its labels, as Docker does. */
export function emitImageEvent(
  context: ImageContext,
  action: string,
  image: ImageRecord,
  name: string,
  labels = labelsOf(context, image),
): void {
  context.events.emit('image', action, image.id, { ...labels, name });
}

/** True for "sha256:…", and for what is the beginning of the image's id rather than a name it goes by (moby `isImageIDPrefix`). */
export function isIdPrefix(image: ImageRecord, text: string): boolean {
  if (text.startsWith('sha256:')) return image.id.startsWith(text);
  return hexOf(image.id).startsWith(text);
}

/** Id of the image it was made of, while that is stored; else ''. */
export function parentOf({ store }: ImageContext, { parent }: ImageRecord): string {
  const found = parent === undefined ? undefined : store.table.byId(parent);
  return found && !found.hidden ? found.id : '';
}
