import { EngineError, systemError } from '../../api/errors.ts';
import type { AuthConfig } from '../../api/image.ts';
import type { EngineConfig } from '../../services/config.ts';
import { digestOf } from '../digest.ts';
import { ACCEPT } from '../media-types.ts';
import type { Reference } from '../reference/parse.ts';
import { TokenCache, credentialsOf } from './auth.ts';
import { endpointsFor } from './endpoints.ts';
import { RegistrySession } from './session.ts';
import { readBody } from './transport.ts';

export interface FetchedManifest {
  mediaType: string;
  digest: string;
  content: Buffer;
}

/** The registries of the world, as the configuration sees them. Holds tokens and which scheme a host speaks; nothing on disk. */
export class RegistryClient {
  readonly #config: Pick<EngineConfig, 'registryMirrors' | 'insecureRegistries'>;
  readonly #tokens = new TokenCache();
  /** base URL that last worked, by domain */
  readonly #working = new Map<string, string>();

  constructor(config: Pick<EngineConfig, 'registryMirrors' | 'insecureRegistries'>) {
    this.#config = config;
  }

  /**
   * Runs `use` with a session at the first endpoint where it succeeds. The next is tried when an endpoint does not answer, or when a
   * mirror fails in any way; what the registry itself says is final. Throws the last failure.
   */
  async withSession<T>(
    reference: Reference,
    options: { auth?: AuthConfig; signal?: AbortSignal; push?: boolean },
    use: (session: RegistrySession) => Promise<T>,
  ): Promise<T> {
    let last: unknown;
    const credentials = credentialsOf(options.auth);
    for (const endpoint of this.#ordered(reference, options.push ?? false)) {
      let session: RegistrySession;
      try {
        // a mirror is not the registry that the credentials are for
        const shown = endpoint.mirror ? credentialsOf(undefined) : credentials;
        session = await RegistrySession.open(
          { endpoint, credentials: shown, tokens: this.#tokens, signal: options.signal },
          reference,
        );
      } catch (error) {
        if (error instanceof EngineError && error.kind === 'cancelled') throw error;
        last = error;
        continue;
      }
      if (!endpoint.mirror) this.#working.set(reference.domain, endpoint.base);
      try {
        return await use(session);
      } catch (error) {
        if (!endpoint.mirror || (error instanceof EngineError && error.kind === 'cancelled')) throw error;
        last = error;
      }
    }
    throw last;
  }

  #ordered(reference: Reference, push: boolean) {
    const endpoints = endpointsFor(reference, this.#config).filter((endpoint) => !(push && endpoint.mirror));
    const known = this.#working.get(reference.domain);
    const rank = (endpoint: { base: string; mirror: boolean }) =>
      endpoint.mirror ? 0 : endpoint.base === known ? 1 : 2;
    return endpoints.sort((a, b) => rank(a) - rank(b));
  }
}

/** By tag or digest. Its digest is computed, and checked where the reference names one. */
export async function fetchManifest(session: RegistrySession, tagOrDigest: string): Promise<FetchedManifest> {
  const response = await session.request(
    { method: 'GET', path: `manifests/${tagOrDigest}`, headers: { Accept: ACCEPT } },
    [200],
  );
  const content = await readBody(response);
  const byDigest = tagOrDigest.includes(':');
  const digest = digestOf(content, byDigest ? (tagOrDigest.split(':')[0] as string) : 'sha256');
  if (byDigest && digest !== tagOrDigest) throw systemError(`manifest verification failed for digest ${tagOrDigest}`);
  const named = response.headers['content-type']?.split(';')[0]?.trim() ?? '';
  return { mediaType: mediaTypeOf(content) ?? named, digest, content };
}

/** The digest a tag stands for now, without fetching the manifest (registries that limit pulls do not count this); undefined when untold. */
export async function headManifest(session: RegistrySession, tag: string): Promise<string | undefined> {
  const response = await session.request(
    { method: 'HEAD', path: `manifests/${tag}`, headers: { Accept: ACCEPT } },
    [200],
  );
  response.body.resume();
  const digest = response.headers['docker-content-digest'];
  return typeof digest === 'string' ? digest : undefined;
}

/** A small blob (a configuration), checked. */
export async function fetchBlob(session: RegistrySession, digest: string, size: number): Promise<Buffer> {
  const response = await session.request({ method: 'GET', path: `blobs/${digest}` }, [200]);
  const content = await readBody(response, Math.max(size, 1));
  if (digestOf(content, digest.split(':')[0] as string) !== digest)
    throw systemError(`filesystem layer verification failed for digest ${digest}`);
  return content;
}

/** All tags of a repository (`docker pull --all-tags`), following the pages. */
export async function fetchTags(session: RegistrySession): Promise<string[]> {
  const tags: string[] = [];
  for (let path: string | undefined = 'tags/list'; path !== undefined;) {
    const response = await session.request({ method: 'GET', path }, [200]);
    const page = JSON.parse((await readBody(response)).toString('utf8')) as { tags?: string[] | null };
    tags.push(...(page.tags ?? []));
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(response.headers['link'] ?? ''))?.[1];
    path = next === undefined ? undefined : new URL(next, response.url).href;
  }
  return tags;
}

function mediaTypeOf(content: Buffer): string | undefined {
  try {
    const value = JSON.parse(content.toString('utf8')) as {
      mediaType?: unknown;
      manifests?: unknown;
      layers?: unknown;
      config?: unknown;
    };
    if (typeof value.mediaType === 'string') return value.mediaType;
    if (Array.isArray(value.manifests)) return 'application/vnd.oci.image.index.v1+json';
    if (Array.isArray(value.layers) && value.config) return 'application/vnd.oci.image.manifest.v1+json';
  } catch {
    // the header's then
  }
  return undefined;
}
