import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerSummary } from '../../api/container.ts';
import type { ImageSummary } from '../../api/image.ts';
import type { VolumeInspect } from '../../api/network.ts';
import { atLeast } from '../../api/version.ts';
import { Layout } from '../../store/layout.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { SystemParts } from './create.ts';

export type DiskUsageKind = 'container' | 'image' | 'volume' | 'build-cache';
export const DISK_USAGE_KINDS: readonly DiskUsageKind[] = ['container', 'image', 'volume', 'build-cache'];

/** GET /system/df */
export interface DiskUsage {
  LayersSize?: number;
  Images?: ImageSummary[] | null;
  Containers?: Partial<ContainerSummary>[] | null;
  Volumes?: VolumeInspect[] | null;
  BuildCache?: object[] | null;
  BuilderSize?: number;
}

/** Bytes on disk below `path`, each file with several names once; what vanishes meanwhile counts as nothing. */
export async function directorySize(path: string, seen: Set<string> = new Set()): Promise<number> {
  let total = 0;
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) total += await directorySize(child, seen);
    else {
      const info = await lstat(child).catch(() => undefined);
      if (info === undefined || !info.isFile()) continue;
      if (info.nlink > 1) {
        const key = `${info.dev}:${info.ino}`;
        if (seen.has(key)) continue;
        seen.add(key);
      }
      total += info.size;
    }
  }
  return total;
}

export function createDiskUsage(parts: Pick<SystemParts, 'config' | 'containers' | 'images' | 'volumes'>) {
  const layout = new Layout(parts.config.root, parts.config.runDir);
  return async (kinds: ReadonlySet<DiskUsageKind>, apiVersion: string): Promise<DiskUsage> => {
    const wants = (kind: DiskUsageKind) => kinds.size === 0 || kinds.has(kind);
    const records = [...parts.containers.all()];
    const usage: DiskUsage = { LayersSize: 0, Images: null, Containers: null, Volumes: null, BuildCache: null };
    if (wants('image')) {
      const images = await parts.images.list({ all: false, filters: new Map(), sharedSize: true });
      for (const image of images) image.Containers = records.filter((record) => record.imageId === image.Id).length;
      usage.Images = atLeast(apiVersion, '1.44')
        ? images
        : images.map((image) => ({ ...image, VirtualSize: image.Size }));
      usage.LayersSize = (await parts.images.layersSize?.()) ?? layersSize(images);
    }
    if (wants('container')) {
      const imageSizes = new Map(
        (await parts.images.list({ all: true, filters: new Map(), sharedSize: false })).map(({ Id, Size }) => [
          Id,
          Size,
        ]),
      );
      usage.Containers = [];
      for (const record of records)
        usage.Containers.push(
          summary(record, await directorySize(layout.overlay(record.id).upper), imageSizes.get(record.imageId) ?? 0),
        );
    }
    if (wants('volume')) {
      const { Volumes } = await parts.volumes.list(new Map());
      usage.Volumes = [];
      for (const volume of Volumes)
        usage.Volumes.push({
          ...volume,
          UsageData: { Size: await directorySize(volume.Mountpoint), RefCount: usersOf(volume.Name, records) },
        });
    }
    if (wants('build-cache')) usage.BuildCache = [];
    if (!atLeast(apiVersion, '1.42')) usage.BuilderSize = 0;
    return usage;
  };
}

/** Every image's own layers, and the shared ones once: for each image what is shared is somewhere whole, at most the largest share. */
export function layersSize(images: readonly ImageSummary[]): number {
  let own = 0;
  let shared = 0;
  for (const { Size, SharedSize } of images) {
    own += Size - Math.max(0, SharedSize);
    shared = Math.max(shared, SharedSize);
  }
  return own + Math.max(0, shared);
}

const usersOf = (volume: string, records: readonly ContainerRecord[]) =>
  records.filter((record) => record.mounts.some((mount) => mount.Type === 'volume' && mount.Name === volume)).length;

function summary(record: ContainerRecord, sizeRw: number, imageSize: number): Partial<ContainerSummary> {
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    Image: record.imageName,
    ImageID: record.imageId,
    Command: [record.path, ...record.args].join(' '),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: [],
    SizeRw: sizeRw,
    SizeRootFs: sizeRw + imageSize,
    Labels: record.config.Labels ?? {},
    State: record.state.Status,
    Status: record.state.Status,
    HostConfig: { NetworkMode: record.hostConfig.NetworkMode ?? 'default' },
    NetworkSettings: { Networks: record.attached.networks },
    Mounts: record.mounts,
  };
}
