import type { ImageUsers } from '../../images/types.ts';
import type { NetworkUsers } from '../../networks/types.ts';
import type { VolumeUsers } from '../../volumes/types.ts';
import type { Layout } from '../../store/layout.ts';
import type { ContainerRecord } from '../container-record.ts';
import { changeNetworkFiles, networkFiles } from './network-files.ts';
import { networkSubject } from './network-subject.ts';
import type { ContainerTable } from './table.ts';
import { hasProcesses } from './state.ts';

/** Who uses images, volumes and networks, for the services that keep those. */
export function containerUsers(
  table: ContainerTable,
  layout: Layout,
): { ofImages: ImageUsers; ofVolumes: VolumeUsers; ofNetworks: NetworkUsers } {
  return {
    ofImages: {
      usersOf: (imageId) =>
        [...table.values()]
          .filter(
            ({ record }) => record.imageId === imageId || Object.values(record.imageMounts ?? {}).includes(imageId),
          )
          .map(({ record }) => ({ id: record.id, name: record.name, running: record.state.Running })),
    },
    ofVolumes: {
      usersOf: (volume) =>
        [...table.values()]
          .filter(({ record }) => record.mounts.some((mount) => mount.Name === volume))
          .map(({ id }) => id),
    },
    ofNetworks: networkUsers(table, layout),
  };
}

/** Names of the volumes that a container mounts. */
export const volumeNames = (record: ContainerRecord): string[] =>
  record.mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name ? [Name] : []));

function networkUsers(table: ContainerTable, layout: Layout): NetworkUsers {
  return {
    find: (reference) => {
      const record = table.find(reference)?.record;
      if (!record) return undefined;
      const netns = record.netns === '' ? undefined : record.netns;
      return { id: record.id, name: record.name, running: hasProcesses(record), netns };
    },
    endpointChanged: (id, network, endpoint) => endpointChanged(table, id, network, endpoint),
    wants: (id, network) => table.find(id)?.record.endpoints[network] !== undefined,
    attachedTo: (id) => Object.keys(table.find(id)?.record.attached.networks ?? {}),
    attached: (id) => {
      const record = table.find(id)?.record;
      if (!record || record.netns === '') return undefined;
      const { hostname } = networkSubject(record);
      return { id, name: record.name, hostname, netns: record.netns, ...record.attached };
    },
    subject: (id) => networkSubject(table.get(id).record),
    filesChanged: (id, before, after) =>
      changeNetworkFiles(networkFiles({ table, layout }, table.get(id).record), before, after),
  };
}

/** A network was connected to or disconnected from a container: what it asks for, and what it has. */
async function endpointChanged(
  table: ContainerTable,
  id: string,
  network: string,
  endpoint: Parameters<NetworkUsers['endpointChanged']>[2],
): Promise<void> {
  const live = table.get(id);
  const { record } = live;
  const before = [record.endpoints, record.attached] as const;
  record.endpoints = { ...record.endpoints };
  record.attached = { ...record.attached, networks: { ...record.attached.networks } };
  if (endpoint) record.endpoints[network] = { ...record.endpoints[network], ...endpoint };
  else delete record.endpoints[network];
  if (hasProcesses(record)) {
    if (endpoint) record.attached.networks[network] = endpoint;
    else delete record.attached.networks[network];
  }
  await table.save(live).catch((error: unknown) => {
    [record.endpoints, record.attached] = before;
    throw error;
  });
}
