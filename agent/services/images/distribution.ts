import { EngineError } from '../../api/errors.ts';
import type { AuthConfig } from '../../api/image.ts';
import { isIndexType, type Descriptor, type ManifestIndex, type Platform } from '../../images/media-types.ts';
import { parseReference, withDefaultTag } from '../../images/reference/parse.ts';
import { fetchBlob, fetchManifest } from '../../images/registry/client.ts';
import { RegistryError } from '../../images/registry/errors.ts';
import type { Manifest } from '../../images/media-types.ts';
import type { ImageContext } from './context.ts';

export interface DistributionInspect {
  Descriptor: { mediaType: string; digest: string; size: number };
  Platforms: Platform[];
}
export interface DistributionBackend {
  /** GET /distribution/NAME/json: what a registry has under the name. */
  distribution(reference: string, auth: AuthConfig | undefined, signal: AbortSignal): Promise<DistributionInspect>;
}

export async function inspectDistribution(
  context: ImageContext,
  text: string,
  auth: AuthConfig | undefined,
  signal: AbortSignal,
): Promise<DistributionInspect> {
  const reference = withDefaultTag(parseReference(text));
  try {
    return await context.client.withSession(reference, { auth, signal }, async (session) => {
      const fetched = await fetchManifest(session, reference.digest ?? reference.tag ?? 'latest');
      const descriptor = { mediaType: fetched.mediaType, digest: fetched.digest, size: fetched.content.length };
      const value = JSON.parse(fetched.content.toString('utf8')) as Partial<ManifestIndex & Manifest>;
      if (isIndexType(fetched.mediaType)) {
        const platforms = (value.manifests ?? [])
          .map((entry: Descriptor) => entry.platform)
          .filter((platform) => platform !== undefined);
        return { Descriptor: descriptor, Platforms: platforms };
      }
      if (!value.config) return { Descriptor: descriptor, Platforms: [] };
      const { architecture, os, variant } = JSON.parse(
        (await fetchBlob(session, value.config.digest, value.config.size)).toString('utf8'),
      ) as Platform;
      return { Descriptor: descriptor, Platforms: [{ architecture, os, ...(variant ? { variant } : {}) }] };
    });
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    // 401 and 403: the client asks the user to log in
    const kind =
      error.status === 401
        ? 'unauthorized'
        : error.status === 403
          ? 'forbidden'
          : error.status === 404
            ? 'not-found'
            : 'system';
    throw new EngineError(kind, error.message, error);
  }
}
