import { invalid, notFound, systemError } from '../../api/errors.ts';
import { matchLabels, type Filters } from '../../http/query.ts';
import type { NetworkInspect } from '../../api/network.ts';
import { isPredefined, type NetworkRecord } from '../../networks/network-record.ts';
import type { NetworkState } from './state.ts';

/** `scope`: only a network of this one; all here are `local`. */
export function inspect(state: NetworkState, reference: string, scope = ''): NetworkInspect {
  if (scope !== '' && scope !== 'local') throw notFound(`network ${reference} not found`);
  return describeNetwork(state, state.get(reference));
}

/** Who is connected is told by inspect, and by the list to clients before API 1.28 (`detailed`). */
export function list(state: NetworkState, filters: Filters, detailed = false): NetworkInspect[] {
  checkFilters(filters);
  return [...state.networks.values()]
    .filter((network) => matches(state, network, filters))
    .map((network) =>
      detailed ? describeNetwork(state, network) : { ...describeNetwork(state, network), Containers: {} },
    );
}

function checkFilters(filters: Filters): void {
  const [dangling, ...more] = filters.get('dangling') ?? [];
  if (more.length > 0) throw invalid('got more than one value for filter key "dangling"');
  if (dangling !== undefined && !['0', 'false', '1', 'true'].includes(dangling))
    throw invalid(`invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
  for (const type of filters.get('type') ?? [])
    if (type !== 'builtin' && type !== 'custom') throw systemError(`invalid filter: 'type'='${type}'`);
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

/** A regular expression, found anywhere; one that is none finds nothing but itself (moby `Args.Match`). */
function finds(pattern: string, text: string): boolean {
  if (pattern === text) return true;
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false;
  }
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
    any('name', (value) => finds(value, network.name)) &&
    any('id', (value) => finds(value, network.id)) &&
    any('scope', (value) => value === 'local') &&
    any('type', (value) => (value === 'builtin') === isPredefined(network.name)) &&
    any('dangling', (value) => ['1', 'true'].includes(value) === dangling) &&
    matchLabels(filters.get('label'), network.labels)
  );
}
