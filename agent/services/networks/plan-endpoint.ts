import { randomBytes } from 'node:crypto';
import { invalid, systemError } from '../../api/errors.ts';
import type { EndpointSettings } from '../../api/container.ts';
import { macAddressFor } from '../../networks/leases.ts';
import type { NetavarkNetwork } from '../../networks/netavark.ts';
import type { AttachedNetwork } from '../../networks/attachment-record.ts';
import { hasNames, OPTION, type NetworkRecord } from '../../networks/network-record.ts';
import type { NetworkSubject } from '../../networks/types.ts';
import { kernelName, newId, type NetworkState } from './state.ts';

/** Which interface, and how its default route stands against the others'. */
export interface Place {
  interface: string;
  metric: number;
  /** `--dns`, or the engine's own */
  dns?: string[];
}

/** Takes addresses, and says what netavark is to do. Gives the addresses back when it throws. */
export function planEndpoint(
  state: NetworkState,
  network: NetworkRecord,
  asked: EndpointSettings,
  subject: Pick<NetworkSubject, 'id' | 'name' | 'hostname'>,
  place: Place,
): AttachedNetwork {
  const { v4, v6 } = takeAddresses(state, network, asked);
  const leases = state.leasesOf(network);
  const gateway = (family: 4 | 6) =>
    network.internal
      ? ''
      : (network.ipam.Config.find((item) => item.Subnet?.includes(':') === (family === 6))?.Gateway ?? '');
  const mac = asked.MacAddress || macAddressFor(v4, () => randomBytes(4));
  const names = dnsNames(network, asked, subject);
  const endpoint: EndpointSettings = {
    IPAMConfig: asked.IPAMConfig ?? null,
    Links: asked.Links ?? null,
    Aliases: asked.Aliases ?? null,
    MacAddress: mac,
    DriverOpts: asked.DriverOpts ?? null,
    GwPriority: asked.GwPriority ?? 0,
    NetworkID: network.id,
    EndpointID: newId(),
    Gateway: v4 ? gateway(4) : '',
    IPAddress: v4 ?? '',
    IPPrefixLen: v4 ? leases.prefixOf(v4) : 0,
    IPv6Gateway: v6 ? gateway(6) : '',
    GlobalIPv6Address: v6 ?? '',
    GlobalIPv6PrefixLen: v6 ? leases.prefixOf(v6) : 0,
    DNSNames: hasNames(network) ? names : null,
  };
  const key = kernelName(network);
  return {
    networkId: network.id,
    name: network.name,
    endpoint,
    request: {
      container_id: subject.id,
      container_name: subject.name,
      networks: {
        [key]: {
          interface_name: place.interface,
          static_ips: [v4, v6].filter((address) => address !== undefined),
          static_mac: mac,
        },
      },
      network_info: { [key]: netavarkNetwork(network, place.metric) },
      // The network's name server asks these for names that are not its own; without any, the host's.
      ...(hasNames(network) && place.dns && place.dns.length > 0 ? { dns_servers: place.dns } : {}),
    },
  };
}

export function releaseEndpoint(state: NetworkState, { networkId, endpoint }: AttachedNetwork): void {
  const leases = state.leases.get(networkId);
  for (const address of [endpoint.IPAddress, endpoint.GlobalIPv6Address]) if (address) leases?.release(address);
}

function takeAddresses(
  state: NetworkState,
  network: NetworkRecord,
  asked: EndpointSettings,
): { v4?: string; v6?: string } {
  const leases = state.leasesOf(network);
  const taken: string[] = [];
  const take = (family: 4 | 6, wanted: string | undefined): string | undefined => {
    if (!leases.has(family)) return undefined;
    if (wanted) {
      const result = leases.reserve(wanted);
      if (result === 'outside') throw invalid(`no configured subnet or ip-range contain the IP address ${wanted}`);
      if (result === 'taken') throw systemError('Address already in use');
      taken.push(wanted);
      return wanted;
    }
    const address = leases.allocate(family);
    if (address === undefined)
      throw systemError(
        `no available IPv${family} addresses on this network's address pools: ${network.name} (${network.id})`,
      );
    taken.push(address);
    return address;
  };
  try {
    return { v4: take(4, asked.IPAMConfig?.IPv4Address), v6: take(6, asked.IPAMConfig?.IPv6Address) };
  } catch (error) {
    for (const address of taken) leases.release(address);
    throw error;
  }
}

/** As inspect shows them: name, aliases, short id, hostname; each once. */
function dnsNames(
  network: NetworkRecord,
  asked: EndpointSettings,
  subject: Pick<NetworkSubject, 'id' | 'name' | 'hostname'>,
): string[] {
  if (!hasNames(network)) return [];
  return [...new Set([subject.name, ...(asked.Aliases ?? []), subject.id.slice(0, 12), subject.hostname])].filter(
    (name) => name !== '',
  );
}

function netavarkNetwork(network: NetworkRecord, metric: number): NetavarkNetwork {
  const mtu = network.options[OPTION.mtu];
  return {
    name: kernelName(network),
    id: network.id,
    driver: 'bridge',
    network_interface: network.bridge,
    subnets: network.ipam.Config.map(({ Subnet = '', Gateway }) => ({
      subnet: Subnet,
      ...(Gateway ? { gateway: Gateway } : {}),
    })),
    ipv6_enabled: network.enableIPv6,
    internal: network.internal,
    // The engine names containers itself.
    dns_enabled: false,
    options: { metric: String(metric), ...(mtu ? { mtu } : {}) },
    ipam_options: { driver: 'host-local' },
  };
}
