/**
 * Splits an image reference into what the API's `fromImage` and `tag` want. The digest, when there is one, stands for the tag
 * (`name@sha256:…`, or `name:tag@sha256:…`, where the digest decides). Nothing is checked: the engine knows the rules.
 */
export function splitReference(reference: string): { name: string; tag: string } {
  const digest = reference.indexOf('@');
  if (digest >= 0) {
    const { name } = splitReference(reference.slice(0, digest));
    return { name, tag: reference.slice(digest + 1) };
  }
  const colon = reference.lastIndexOf(':');
  if (colon < 0 || colon < reference.lastIndexOf('/')) return { name: reference, tag: '' };
  return { name: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}

/** The registry of a reference: "docker.io" unless the first part looks like a host (has a dot or a colon, or is localhost). */
export function registryOf(reference: string): string {
  const slash = reference.indexOf('/');
  const first = slash < 0 ? '' : reference.slice(0, slash);
  return first === 'localhost' || /[.:]/.test(first) ? first : 'docker.io';
}
