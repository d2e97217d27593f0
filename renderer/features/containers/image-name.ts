import type { ContainerRow } from '../../../electron/contract/model.ts';
import { shortId } from '../../ui/format.ts';

/** An image's last part with its tag, which tells it apart, and where that is from: "debian:1" from "127.0.0.1:5000/team". */
export function imageName({ image }: Pick<ContainerRow, 'image'>): { name: string; from: string } {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(image)) return { name: shortId(image), from: '' };
  const [tagged = '', digest] = image.split('@');
  const slash = tagged.lastIndexOf('/');
  const name = tagged.slice(slash + 1);
  return { name: digest ? `${name}@${shortId(digest)}` : name, from: slash < 0 ? '' : tagged.slice(0, slash) };
}
