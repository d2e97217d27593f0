import type { EndpointSettings } from '../../api/container.ts';
import type { NetworkSubject } from '../../networks/types.ts';
import type { CheckedRequest } from '../../runtime/types.ts';
import type { ContainerRecord } from '../container-record.ts';

/** How the container is on the network. */
export type NetworkKind = 'host' | 'none' | 'shared' | 'own';

export function networkKind(mode: string | undefined): NetworkKind {
  if (mode === 'host' || mode === 'none') return mode;
  return mode?.startsWith('container:') ? 'shared' : 'own';
}

/** The networks asked for, the one of the mode always among them. */
export function endpointsOf(
  mode: string | undefined,
  endpoints: CheckedRequest['endpoints'],
): Record<string, EndpointSettings> {
  if (networkKind(mode) !== 'own') return {};
  const main = !mode || mode === 'default' ? 'bridge' : mode;
  const asked: Record<string, EndpointSettings> = {};
  for (const [name, settings] of Object.entries(endpoints))
    asked[name === 'default' ? 'bridge' : name] = settings ?? {};
  return main in asked ? asked : { [main]: {}, ...asked };
}

export function networkSubject(record: ContainerRecord): NetworkSubject {
  const { config, hostConfig } = record;
  return {
    id: record.id,
    name: record.name,
    hostname: config.Hostname ?? record.id.slice(0, 12),
    domainname: config.Domainname ?? '',
    endpoints: record.endpoints,
    portBindings: hostConfig.PortBindings ?? {},
    exposedPorts: Object.keys(config.ExposedPorts ?? {}),
    publishAll: hostConfig.PublishAllPorts ?? false,
    hostConfig,
  };
}
