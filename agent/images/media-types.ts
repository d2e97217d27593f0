/** Media types of the distribution and image specifications, and Docker's older ones with the same JSON. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;
export const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const;
const SCHEMA1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(json|prettyjws)$/;

export const ACCEPT = [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ');

export interface Platform {
  architecture: string;
  os: string;
  variant?: string;
  'os.version'?: string;
}
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  urls?: string[];
  platform?: Platform;
  annotations?: Record<string, string>;
}
export interface Manifest {
  schemaVersion: 2;
  mediaType?: string;
  config: Descriptor;
  layers: Descriptor[];
}
export interface ManifestIndex {
  schemaVersion: 2;
  mediaType?: string;
  manifests: Descriptor[];
}

export const isIndexType = (type: string) => (INDEX_TYPES as readonly string[]).includes(type);
export const isManifestType = (type: string) => (MANIFEST_TYPES as readonly string[]).includes(type);
export const isSchema1Type = (type: string) => SCHEMA1.test(type);

/** What a layer is, by media type; undefined: not a layer that can be unpacked (an attestation, a chart, a Windows base layer …). */
export function isLayerType(type: string): boolean {
  return /^application\/vnd\.(oci\.image\.layer\.(nondistributable\.)?v1\.tar|docker\.image\.rootfs\.(foreign\.)?diff\.tar)([.+](gzip|zstd))?$/.test(
    type,
  );
}
export const isConfigType = (type: string) =>
  type === 'application/vnd.oci.image.config.v1+json' ||
  type === 'application/vnd.docker.container.image.v1+json' ||
  type === 'application/octet-stream';
