import { invalid, notFound, systemError } from '../../api/errors.ts';
import { fetchManifest, type FetchedManifest } from '../registry/client.ts';
import type { RegistrySession } from '../registry/session.ts';
import {
  isConfigType,
  isIndexType,
  isLayerType,
  isManifestType,
  isSchema1Type,
  type Descriptor,
  type Manifest,
  type ManifestIndex,
  type Platform,
} from '../media-types.ts';
import { formatPlatform, selectManifest } from '../platform.ts';
import { checkDigest, familiar, type Reference } from '../reference/parse.ts';
import type { ImageConfiguration } from '../store/image-table.ts';

/** Larger layers than this are mistakes (8 TiB). */
const MAX_LAYER = 8 * 1024 ** 4;
/** overlayfs takes no more (`OVL_MAX_STACK`), less one for the container's own. */
const MAX_LAYERS = 499;

function parseJson(content: Buffer, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // said below
  }
  throw systemError(`the registry's ${what} is not valid JSON`);
}

function checkDescriptor(value: unknown): Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Partial<Descriptor>;
  if (
    typeof mediaType !== 'string' ||
    typeof digest !== 'string' ||
    !Number.isSafeInteger(size) ||
    (size as number) < 0
  )
    throw systemError('the registry sent a manifest with an incomplete descriptor');
  if ((size as number) > MAX_LAYER) throw systemError(`the registry sent a manifest with a layer of ${size} bytes`);
  checkDigest(digest);
  return value as Descriptor;
}

/** The manifest for `platform`, through the index where there is one. */
export async function resolveManifest(
  session: RegistrySession,
  top: FetchedManifest,
  platform: Platform,
): Promise<{ fetched: FetchedManifest; manifest: Manifest; fromIndex: boolean }> {
  let fetched = top;
  if (isIndexType(top.mediaType)) {
    const { manifests } = parseJson(top.content, 'manifest list') as unknown as Partial<ManifestIndex>;
    if (!Array.isArray(manifests)) throw systemError('the registry sent a manifest list without manifests');
    const chosen = selectManifest(manifests.map(checkDescriptor), platform);
    if (!chosen) throw notFound(`no matching manifest for ${formatPlatform(platform)} in the manifest list entries`);
    fetched = await fetchManifest(session, chosen.digest);
  }
  return { fetched, manifest: checkManifest(fetched), fromIndex: fetched !== top };
}

function checkManifest(fetched: FetchedManifest): Manifest {
  if (isSchema1Type(fetched.mediaType) || !isManifestType(fetched.mediaType)) {
    if (isSchema1Type(fetched.mediaType))
      throw invalid(
        'Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed. Suggest the author of the image to upgrade it to the OCI Format or Docker Image manifest v2, schema 2.',
      );
    throw invalid(`unsupported manifest format: ${fetched.mediaType}`);
  }
  const manifest = parseJson(fetched.content, 'manifest') as unknown as Partial<Manifest>;
  if (!Array.isArray(manifest.layers)) throw systemError('the registry sent a manifest without layers');
  checkDescriptor(manifest.config);
  manifest.layers.forEach(checkDescriptor);
  if (!isConfigType((manifest.config as Descriptor).mediaType))
    throw invalid(`invalid image: ${(manifest.config as Descriptor).mediaType} is not an image configuration`);
  const odd = manifest.layers.find((layer) => !isLayerType(layer.mediaType));
  if (odd) throw invalid(`invalid image: unsupported layer media type ${odd.mediaType}`);
  if (manifest.layers.length > MAX_LAYERS)
    throw invalid(`invalid image: max depth exceeded (${manifest.layers.length} layers)`);
  return manifest as Manifest;
}

/** The configuration, checked against the manifest. */
export function checkConfiguration(content: Buffer, manifest: Manifest, reference: Reference): ImageConfiguration {
  const value = parseJson(content, 'image configuration') as unknown as Partial<ImageConfiguration>;
  const diffIds = value.rootfs?.diff_ids ?? [];
  if (!Array.isArray(diffIds) || (manifest.layers.length > 0 && value.rootfs?.type !== 'layers'))
    throw systemError('empty RootFS');
  diffIds.forEach((diffId) => checkDigest(String(diffId)));
  if (diffIds.length !== manifest.layers.length)
    throw systemError(`layers from manifest don't match image configuration`);
  if (typeof value.os === 'string' && value.os !== '' && value.os !== 'linux')
    throw invalid(
      `image operating system ${JSON.stringify(value.os)} cannot be used on this platform: ${familiar(reference)}`,
    );
  return {
    ...value,
    os: value.os || 'linux',
    architecture: typeof value.architecture === 'string' ? value.architecture : '',
    rootfs: { type: 'layers', diff_ids: diffIds },
  };
}
