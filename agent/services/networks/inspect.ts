import { matchLabels, type Filters } from '../../http/query.ts';
import type { NetworkInspect } from '../../api/network.ts';
import { isPredefined, type NetworkRecord } from '../../networks/network-record.ts';
import type { NetworkState } from './state.ts';

export const inspect = (state: NetworkState, reference: string): NetworkInspect =>
  describeNetwork(state, state.get(reference));

export function list(state: NetworkState, filters: Filters): NetworkInspect[] {
  return [...state.networks.values()]
    .filter((network) => matches(state, network, filters))
    .map((network) => ({
      ...describeNetwork(state, network),
      // As Docker's list: who is connected is only told by inspect.
      Containers: {},
    }));
}

function describeNetwork(state: NetworkState, network: NetworkRecord): NetworkInspect {
  const containers: NetworkInspect['Containers'] = {};
  for (const { attachment, entry } of state.connected(network.id)) {
    const { endpoint } = entry;
    containers[attachment.id] = {
      Name: state.options.users.find(attachment.id)?.name ?? attachment.name,
      EndpointID: endpoint.EndpointID ?? '',
      MacAddress: endpoint.MacAddress ?? '',
      IPv4Address: endpoint.IPAddress ? `${endpoint.IPAddress}/${endpoint.IPPrefixLen}` : '',
      IPv6Address: endpoint.GlobalIPv6Address ? `${endpoint.GlobalIPv6Address}/${endpoint.GlobalIPv6PrefixLen}` : '',
    };
  }
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv4: network.enableIPv4,
    EnableIPv6: network.enableIPv6,
    IPAM: network.ipam,
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: containers,
    Options: network.options,
    Labels: network.labels,
  };
}

/** moby `daemon/network/filter.go`: values of one name are alternatives, names all have to match. */
function matches(state: NetworkState, network: NetworkRecord, filters: Filters): boolean {
  const any = (name: string, test: (value: string) => boolean) => {
    const values = filters.get(name);
    return !values || [...values].some(test);
  };
  const dangling = !isPredefined(network.name) && state.connected(network.id).next().done === true;
  return (
    any('driver', (value) => value === network.driver) &&
    any('name', (value) => network.name.includes(value)) &&
    any('id', (value) => network.id.startsWith(value)) &&
    any('scope', (value) => value === 'local') &&
    any('type', (value) => (value === 'builtin') === isPredefined(network.name)) &&
    any('dangling', (value) => ['1', 'true'].includes(value) === dangling) &&
    matchLabels(filters.get('label'), network.labels)
  );
}
