import { createHash } from 'node:crypto';

/** "sha256:…" of a content. */
export function digestOf(content: Uint8Array, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}

export const algorithmOf = (digest: string) => digest.slice(0, digest.indexOf(':'));
export const hexOf = (digest: string) => digest.slice(digest.indexOf(':') + 1);
/** As Docker shortens ids: twelve hex digits. */
export const shortId = (digest: string) => hexOf(digest).slice(0, 12);

/** Chain ids of a stack of diff ids, lowest first (OCI image specification, config.md, "Layer ChainID"). */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : digestOf(Buffer.from(`${parent} ${diffId}`)));
  }
  return chain;
}
