import type { ImageRow } from '../../../electron/contract/model.ts';

/** Whether what was typed names a stored image: a tag ("alpine" is "alpine:latest"), a digest, or the start of an id. */
export function isStored(reference: string, images: readonly ImageRow[]): boolean {
  const wanted = familiar(reference.trim());
  if (wanted === '') return false;
  const id = /^(?:sha256:)?[0-9a-f]{6,64}$/.test(wanted) ? wanted.replace(/^sha256:/, '') : undefined;
  return images.some(
    (image) =>
      image.tags.includes(wanted) ||
      image.tags.includes(`${wanted}:latest`) ||
      image.digests.includes(wanted) ||
      (id !== undefined && image.id.replace(/^sha256:/, '').startsWith(id)),
  );
}

/** "docker.io/library/alpine" and "alpine" are the same image. */
const familiar = (reference: string) => reference.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
