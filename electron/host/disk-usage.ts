import type { DiskUsage } from '../contract/model.ts';
import type { EngineClient, SystemUsage } from '../engine/client.ts';
import type { ContainerRow } from '../contract/model.ts';

/** The networks an engine makes by itself and never gives up. */
const PREDEFINED = new Set(['bridge', 'host', 'none']);
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

/** What everything takes on the engine's disk and who uses it. Measuring may take the engine seconds: it walks all files. */
export async function diskUsage(client: EngineClient, rows: ReadonlyMap<string, ContainerRow>): Promise<DiskUsage> {
  const [usage, networks] = await Promise.all([client.diskUsage(), client.listNetworks()]);
  const containers = [...rows.values()];
  return {
    layers: usage.LayersSize ?? 0,
    containers: (usage.Containers ?? []).map((container) => ({
      id: container.Id,
      name: (container.Names[0] ?? '').replace(/^\//, ''),
      size: container.SizeRw ?? 0,
      live: container.State !== 'exited' && container.State !== 'created' && container.State !== 'dead',
    })),
    images: images(usage, containers),
    volumes: (usage.Volumes ?? []).map((volume) => ({
      name: volume.Name,
      size: volume.UsageData?.Size ?? -1,
      usedBy: users(containers, volume.Name),
      anonymous: volume.Labels?.[ANONYMOUS_LABEL] !== undefined || /^[0-9a-f]{64}$/.test(volume.Name),
    })),
    networks: networks
      .filter((network) => !PREDEFINED.has(network.Name))
      .map((network) => ({
        id: network.Id,
        name: network.Name,
        used:
          Object.keys(network.Containers ?? {}).length > 0 ||
          containers.some((row) => row.networks.includes(network.Name)),
      })),
  };
}

function images({ Images }: SystemUsage, containers: ContainerRow[]): DiskUsage['images'] {
  const used = new Set(containers.map((row) => row.imageId));
  return (Images ?? []).map((image) => ({
    id: image.Id,
    tags: (image.RepoTags ?? []).filter((tag) => !tag.startsWith('<none>')),
    size: image.Size,
    /** layers that no other image has */
    own: Math.max(0, image.Size - Math.max(0, image.SharedSize ?? 0)),
    used: used.has(image.Id),
  }));
}

const users = (containers: ContainerRow[], volume: string): string[] =>
  containers.filter((row) => row.mounts.some((mount) => mount.startsWith(`${volume}:`))).map((row) => row.name);
