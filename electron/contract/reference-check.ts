/** The grammar of image references (distribution/reference, regexp.go). */
const HOST =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?';
const PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const reference = (part: string) => new RegExp(`^(?:${HOST}/)?${part}(?:/${part})*(?::${TAG})?(?:@${DIGEST})?$`);
const REFERENCE = reference(PART);
const UPPER_CASE = reference(PART.replaceAll('a-z', 'a-zA-Z'));
const ID = /^(?:sha256:)?[a-f0-9]{64}$/;

/** What is wrong with an image reference, in the `docker` command's words; undefined when nothing is. */
export function checkImageReference(text: string): string | undefined {
  if (text === '') return 'invalid reference format: an image is needed';
  if (REFERENCE.test(text) || ID.test(text)) return undefined;
  if (UPPER_CASE.test(text))
    return `invalid reference format: repository name (${text.replace(/[:@].*$/, '')}) must be lowercase`;
  return 'invalid reference format';
}
