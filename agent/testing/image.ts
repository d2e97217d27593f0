import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { ContainerConfig } from '../api/container.ts';
import { makeTar, type TarEntry } from './tar.ts';

/** Makes images for tests: real manifests, configurations and layers, all in memory. */

export type Compression = 'gzip' | 'zstd' | 'none';

export interface ImageOptions {
  /** merged over the image's own */
  config?: ContainerConfig;
  /** more layers on top of the image's own */
  layers?: LayerSource[];
  /** default: gzip */
  compression?: Compression;
  /** default: oci (Docker's media types have no zstd, as in the field: the OCI one is written then) */
  mediaTypes?: 'oci' | 'docker';
  /** default: this machine's, in Docker's words (amd64, arm64) */
  architecture?: string;
  variant?: string;
  os?: string;
  /** RFC 3339; default 2024-01-02T03:04:05Z */
  created?: string;
}

/** Entries, or a ready tar archive. */
export type LayerSource = readonly TarEntry[] | Buffer;

export interface TestBlob {
  digest: string;
  content: Buffer;
}

export interface TestImage {
  manifest: Buffer;
  mediaType: string;
  /** of the manifest, or of the index */
  digest: string;
  /** "sha256:…" of the configuration, which is the image's id; '' for an index */
  id: string;
  diffIds: string[];
  blobs: TestBlob[];
  /** of an index */
  children: TestImage[];
  platform: { architecture: string; os: string; variant?: string };
}

export const MEDIA_TYPES = {
  oci: {
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    index: 'application/vnd.oci.image.index.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar',
  },
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar',
  },
} as const;

export const sha256 = (content: Uint8Array) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

/** This machine's architecture as images name it. */
export const machineArchitecture = process.arch === 'x64' ? 'amd64' : process.arch;

function layerMediaType(kind: 'oci' | 'docker', compression: Compression): string {
  if (kind === 'docker' && compression !== 'zstd')
    return MEDIA_TYPES.docker.layer + (compression === 'gzip' ? '.gzip' : '');
  return MEDIA_TYPES.oci.layer + (compression === 'none' ? '' : `+${compression}`);
}

function compress(tar: Buffer, compression: Compression): Buffer {
  if (compression === 'gzip') return gzipSync(tar, { level: 1 });
  return compression === 'zstd' ? zstdCompressSync(tar) : tar;
}

/** An image of these layers, lowest first. */
export function makeImage(base: readonly LayerSource[], options: ImageOptions = {}): TestImage {
  const kind = options.mediaTypes ?? 'oci';
  const compression = options.compression ?? 'gzip';
  const platform = {
    architecture: options.architecture ?? machineArchitecture,
    os: options.os ?? 'linux',
    ...(options.variant === undefined ? {} : { variant: options.variant }),
  };
  const created = options.created ?? '2024-01-02T03:04:05Z';
  const tars = [...base, ...(options.layers ?? [])].map((source) =>
    Buffer.isBuffer(source) ? source : makeTar(source),
  );
  const diffIds = tars.map(sha256);
  const layers = tars.map((tar) => compress(tar, compression));
  const config = Buffer.from(
    JSON.stringify({
      created,
      author: 'Berth tests',
      ...platform,
      config: options.config ?? {},
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: [
        ...tars.map((_tar, index) => ({ created, created_by: `/bin/sh -c #(nop) ADD layer ${index} in /` })),
        { created, created_by: '/bin/sh -c #(nop)  CMD', empty_layer: true },
      ],
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES[kind].manifest,
      config: { mediaType: MEDIA_TYPES[kind].config, digest: sha256(config), size: config.length },
      layers: layers.map((layer) => ({
        mediaType: layerMediaType(kind, compression),
        digest: sha256(layer),
        size: layer.length,
      })),
    }),
  );
  return {
    manifest,
    mediaType: MEDIA_TYPES[kind].manifest,
    digest: sha256(manifest),
    id: sha256(config),
    diffIds,
    blobs: [config, ...layers].map((content) => ({ digest: sha256(content), content })),
    children: [],
    platform,
  };
}

/** One name for several architectures. */
export function makeIndex(children: readonly TestImage[], mediaTypes: 'oci' | 'docker' = 'oci'): TestImage {
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES[mediaTypes].index,
      manifests: children.map((child) => ({
        mediaType: child.mediaType,
        digest: child.digest,
        size: child.manifest.length,
        platform: child.platform,
      })),
    }),
  );
  return {
    manifest,
    mediaType: MEDIA_TYPES[mediaTypes].index,
    digest: sha256(manifest),
    id: '',
    diffIds: [],
    blobs: [],
    children: [...children],
    platform: { architecture: '', os: '' },
  };
}
