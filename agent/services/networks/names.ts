import { readFileSync } from 'node:fs';
import type { AttachmentRecord } from '../../networks/attachment-record.ts';
import { hasNames } from '../../networks/network-record.ts';
import { hostResolver, needsForwarder, parseResolvConf, reachable } from '../../networks/resolver.ts';
import type { Attachment, NetworkSubject } from '../../networks/types.ts';
import type { NetworkState } from './state.ts';

/** What the user asked for, else what the engine is configured with. */
const asked = (mine: readonly string[] | null | undefined, engine: readonly string[]): readonly string[] =>
  mine && mine.length > 0 ? mine : engine;

/** resolv.conf: the user's settings, else the engine's, else the host's; where containers have names, the network's name server. */
export async function resolverOf(
  state: NetworkState,
  subject: NetworkSubject,
  record: AttachmentRecord,
): Promise<Attachment['dns']> {
  const { config } = state.options;
  const own = await hostResolver();
  const host = reachable(
    own,
    record.networks.some(({ endpoint }) => endpoint.GlobalIPv6Address),
  );
  const { Dns, DnsSearch, DnsOptions } = subject.hostConfig;
  const search = asked(DnsSearch, config.dnsSearch.length > 0 ? config.dnsSearch : host.search).filter(
    (name) => name !== '.',
  );
  const options = asked(DnsOptions, config.dnsOpts.length > 0 ? config.dnsOpts : host.options);
  const named = record.networks.flatMap(({ networkId }) => {
    const network = state.networks.get(networkId);
    return network && hasNames(network) ? (network.ipam.Config[0]?.Gateway ?? []) : [];
  });
  // A name of one label is a container's: it is asked for as it is first, without the search domains (as Docker has it).
  const dots = named.length > 0 && !options.some((option) => option.startsWith('ndots:')) ? ['ndots:0'] : [];
  const forwarder = named.length === 0 && needsForwarder(own) ? await forwarderOf(state, record) : [];
  const others = asked(Dns, config.dns.length > 0 ? config.dns : forwarder.length > 0 ? forwarder : host.servers);
  return { servers: [...(named.length > 0 ? named : others)], search: [...search], options: [...options, ...dots] };
}

/** The bridge's own address, where the engine asks the host's name servers for its containers. */
async function forwarderOf(state: NetworkState, record: AttachmentRecord): Promise<string[]> {
  const network = state.networks.get(record.networks[0]?.networkId ?? '');
  if (network?.driver !== 'bridge') return [];
  await state.names.serve(network);
  return network.ipam.Config.flatMap(({ Gateway }) => Gateway ?? []).slice(0, 1);
}

/** For the host's network, or none. */
export function plainNames(
  state: NetworkState,
  mode: 'host' | 'none',
  subject: NetworkSubject,
): Pick<Attachment, 'hosts' | 'hostsBefore' | 'dns'> {
  const host = hostFiles();
  const { Dns, DnsSearch, DnsOptions } = subject.hostConfig;
  return {
    hosts: [...extraHosts(state, subject), ...(mode === 'host' ? hostMachine(state, subject) : [])],
    ...(mode === 'host' ? { hostsBefore: host.hosts } : {}),
    dns: {
      servers: [...asked(Dns, state.options.config.dns.length > 0 ? state.options.config.dns : host.dns.servers)],
      search: [...asked(DnsSearch, host.dns.search)],
      options: [...asked(DnsOptions, host.dns.options)],
    },
  };
}

/** Lines of /etc/hosts after the loopback's: extra hosts, links, the container itself. */
export function hostsOf(state: NetworkState, subject: NetworkSubject, record: AttachmentRecord): Attachment['hosts'] {
  const own = subject.domainname ? [`${subject.hostname}.${subject.domainname}`, subject.hostname] : [subject.hostname];
  const lines = [...extraHosts(state, subject), ...hostMachine(state, subject)];
  for (const { endpoint, networkId } of record.networks) {
    const network = state.networks.get(networkId);
    // Where containers have names, links are names too.
    if (network && !hasNames(network))
      lines.push(...linkLines(state, networkId, [...(subject.hostConfig.Links ?? []), ...(endpoint.Links ?? [])]));
    for (const address of [endpoint.IPAddress, endpoint.GlobalIPv6Address])
      if (address) lines.push({ address, names: own });
  }
  return lines;
}

/** The names under which tools expect the machine they run on. */
const HOST_NAMES = ['host.docker.internal', 'gateway.docker.internal', 'host.containers.internal'];

/** In a guest: the user's own machine by its names, less those that the user gave to another address. */
function hostMachine(state: NetworkState, subject: NetworkSubject): Attachment['hosts'] {
  const address = state.options.config.hostMachine;
  const given = new Set((subject.hostConfig.ExtraHosts ?? []).map((item) => item.slice(0, item.indexOf(':'))));
  const names = HOST_NAMES.filter((name) => !given.has(name));
  return address === '' || names.length === 0 ? [] : [{ address, names }];
}

/** "name:address"; `host-gateway` is the user's own machine: the default bridge's address on the host. */
function extraHosts(state: NetworkState, subject: NetworkSubject): Attachment['hosts'] {
  return (subject.hostConfig.ExtraHosts ?? []).flatMap((item) => {
    const at = item.indexOf(':');
    const [name, address] = [item.slice(0, at), item.slice(at + 1).replace(/^\[(.*)\]$/, '$1')];
    if (address !== 'host-gateway') return [{ address, names: [name] }];
    if (state.options.config.hostMachine !== '') return [{ address: state.options.config.hostMachine, names: [name] }];
    const gateways = (state.find('bridge')?.ipam.Config ?? []).flatMap(({ Gateway }) => Gateway ?? []);
    return gateways.map((gateway) => ({ address: gateway, names: [name] }));
  });
}

/** "container:alias"; a container that is not on this network gives none. */
function linkLines(state: NetworkState, networkId: string, links: readonly string[]): Attachment['hosts'] {
  return links.flatMap((link) => {
    const [reference = '', alias = reference] = link.split(':');
    const other = state.options.users.find(reference.replace(/^\//, ''));
    const attachment = other && state.attachments.get(other.id);
    const address = attachment?.networks.find((entry) => entry.networkId === networkId)?.endpoint.IPAddress;
    if (!attachment || !address) return [];
    const names = [...new Set([alias.split('/').at(-1) as string, attachment.hostname, attachment.name])];
    return [{ address, names }];
  });
}

/** `plain` is synchronous: two small files. */
function hostFiles(): { hosts: string; dns: Attachment['dns'] } {
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  return { hosts: read('/etc/hosts'), dns: parseResolvConf(read('/etc/resolv.conf')) };
}
