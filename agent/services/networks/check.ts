import { invalid } from '../../api/errors.ts';
import type { EndpointSettings } from '../../api/container.ts';
import { ENDPOINT, isPredefined, type NetworkRecord } from '../../networks/network-record.ts';
import { parseAddress } from '../../networks/cidr.ts';
import { parseBindings } from '../../networks/ports.ts';
import type { NetworkSubject } from '../../networks/types.ts';
import type { NetworkState } from './state.ts';

/** At create: what can be known to fail at start is refused now. */
export function check(
  state: NetworkState,
  mode: string,
  subject: Pick<NetworkSubject, 'endpoints' | 'portBindings'>,
): void {
  parseBindings(subject.portBindings);
  if (mode.startsWith('container:')) return;
  if (mode !== '' && mode !== 'default' && mode !== 'host' && mode !== 'none') state.get(mode);
  for (const [name, endpoint] of Object.entries(subject.endpoints)) checkEndpoint(state, state.get(name), endpoint);
}

function sysctlFaults(text: string | undefined): string[] {
  return (text === undefined ? [] : text.split(','))
    .filter((item) => !/^[^./]*\.(ipv4|ipv6|mpls)\.[^./]*\.(IFNAME|ifname)\.[^/=]+=[^/]/.test(item))
    .map(
      (item) =>
        `unrecognised network interface sysctl '${item}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
    );
}

/** moby `validateEndpointSettings`: every fault, one a line. */
export function checkEndpoint(state: NetworkState, network: NetworkRecord, endpoint: EndpointSettings): void {
  const faults: string[] = [];
  const addresses = [
    ['IPv4', endpoint.IPAMConfig?.IPv4Address, 4],
    ['IPv6', endpoint.IPAMConfig?.IPv6Address, 6],
  ] as const;
  const asked = addresses.filter(([, address]) => address);
  if (isPredefined(network.name)) {
    if (asked.length > 0) faults.push('user specified IP address is supported on user defined networks only');
    if ((endpoint.Aliases ?? []).length > 0)
      faults.push('network-scoped alias is supported only for containers in user defined networks');
  } else if (asked.length > 0 && !network.userSubnets) {
    faults.push('user specified IP address is supported only when connecting to networks with user configured subnets');
  }
  for (const [family, address = '', number] of asked) {
    const parsed = parseAddress(address);
    if (!parsed || parsed.family !== number || parsed.value === 0n)
      faults.push(`invalid ${family} address: ${address}`);
    else if (network.userSubnets && !state.leasesOf(network).covers(address))
      faults.push(`no configured subnet or ip-range contain the IP address ${address}`);
  }
  if (endpoint.MacAddress && !/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(endpoint.MacAddress))
    throw invalid(`invalid config for network ${network.name}: invalid MAC address ${endpoint.MacAddress}`);
  faults.push(...sysctlFaults(endpoint.DriverOpts?.[ENDPOINT.sysctls]));
  if (faults.length > 0)
    throw invalid(`invalid config for network ${network.name}: invalid endpoint settings:\n${faults.join('\n')}`);
}
