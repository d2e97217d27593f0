import { conflict, EngineError, invalid, notFound } from '../../api/errors.ts';
import type { IpamConfig, NetworkCreateRequest } from '../../api/network.ts';
import { formatAddress, formatCidr, overlaps, parseAddress, parseCidr, type Cidr } from '../../networks/cidr.ts';
import { isPredefined, OPTION, type NetworkRecord } from '../../networks/network-record.ts';
import { ulaPool } from '../../networks/pools.ts';
import { systemClock } from '../../system/clock.ts';
import { freeSubnet, keep, takenSubnets, withGateway } from './default-networks.ts';
import { checkIpam } from './check-ipam.ts';
import { bridgeOptions, familyOption } from './options.ts';
import { ensureReady } from './ready.ts';
import { bridgeName, engineTag, newId, recordPath, type NetworkState } from './state.ts';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';

/** Docker's rule for names of networks. */

export async function createNetwork(
  state: NetworkState,
  request: NetworkCreateRequest,
): Promise<{ Id: string; Warning: string }> {
  const name = checkRequest(state, request);
  state.creating.add(name);
  try {
    const network = await plan(state, name, request);
    try {
      await keep(state, network);
      await ensureReady(state, network);
    } catch (error) {
      state.forget(network.id);
      await rm(recordPath(state.options.layout, network.id), { force: true });
      throw error;
    }
    state.emit('create', network);
    return { Id: network.id, Warning: '' };
  } finally {
    state.creating.delete(name);
  }
}

function checkRequest(state: NetworkState, request: NetworkCreateRequest): string {
  const name = request.Name ?? '';
  if (name.trim() === '') throw invalid('invalid network name: name is empty');
  if (isPredefined(name) || name === 'default')
    throw new EngineError('forbidden', `operation is not permitted on predefined ${name} network `);
  if (state.creating.has(name) || [...state.networks.values()].some((network) => network.name === name))
    throw conflict(`network with name ${name} already exists`);
  const driver = request.Driver || 'bridge';
  if (driver === 'host' || driver === 'null')
    throw new EngineError('forbidden', `only one instance of "${driver}" network is allowed`);
  if (driver === 'macvlan' || driver === 'ipvlan')
    throw new EngineError(
      'not-implemented',
      `network driver "${driver}" is not supported: Berth makes bridge networks`,
    );
  if (driver === 'overlay')
    throw new EngineError(
      'forbidden',
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    );
  if (driver !== 'bridge')
    throw notFound(`could not find plugin ${driver} in v1 plugin registry: plugin "${driver}" not found`);
  if (request.Ingress || request.ConfigOnly)
    throw new EngineError('not-implemented', 'ingress and configuration-only networks are not supported');
  if (request.Scope && request.Scope !== 'local')
    throw new EngineError('forbidden', `scope ${request.Scope} is not supported`);
  if (request.IPAM?.Driver && request.IPAM.Driver !== 'default')
    throw invalid(`invalid ipam driver: "${request.IPAM.Driver}"`);
  const { four, six } = families(request);
  checkIpam(request.IPAM?.Config ?? [], six);
  bridgeOptions(request.Options ?? {}, request.Internal ?? false);
  if (!four && !six) throw invalid('IPv4 or IPv6 must be enabled');
  const bridge = request.Options?.[OPTION.bridgeName];
  if (bridge && [...state.networks.values()].some((network) => network.bridge === bridge))
    throw new EngineError('forbidden', 'networks have same bridge name');
  return name;
}

function families({ EnableIPv4, EnableIPv6, Options }: NetworkCreateRequest): { four: boolean; six: boolean } {
  return {
    four: familyOption(Options ?? {}, OPTION.enableIPv4, EnableIPv4, true),
    six: familyOption(Options ?? {}, OPTION.enableIPv6, EnableIPv6, false),
  };
}

async function plan(state: NetworkState, name: string, request: NetworkCreateRequest): Promise<NetworkRecord> {
  const id = newId();
  const { four: enableIPv4, six: enableIPv6 } = families(request);
  const asked = (request.IPAM?.Config ?? []).filter(
    (item) => item.Subnet && (item.Subnet.includes(':') ? enableIPv6 : enableIPv4),
  );
  const config: IpamConfig[] = [];
  const taken = await takenSubnets(state);
  for (const item of asked) config.push(complete(item, taken));
  const missing = (family: 4 | 6) => !config.some((item) => item.Subnet?.includes(':') === (family === 6));
  if (enableIPv4 && missing(4)) config.unshift(withGateway(await freeSubnet(state, 4)));
  if (enableIPv6 && missing(6)) {
    const { defaultAddressPools } = state.options.config;
    const six = defaultAddressPools.filter((pool) => pool.base.includes(':'));
    config.push(
      withGateway(
        await freeSubnet(
          state,
          6,
          six.length > 0 ? six : [ulaPool(createHash('sha256').update(state.options.layout.root).digest())],
        ),
      ),
    );
  }
  return {
    id,
    name,
    created: systemClock.timestamp(),
    driver: 'bridge',
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    enableIPv4,
    enableIPv6,
    ipam: { Driver: 'default', Options: request.IPAM?.Options ?? null, Config: config },
    userSubnets: asked.length > 0,
    options: request.Options ?? {},
    labels: request.Labels ?? {},
    bridge: request.Options?.[OPTION.bridgeName] || bridgeName(engineTag(state.options.layout.root), id),
  };
}

/** The gateway is the first address of the range, as Docker chooses it, where none was asked for. */
function complete(item: IpamConfig, taken: readonly Cidr[]): IpamConfig {
  const subnet = parseCidr(item.Subnet ?? '')?.network as Cidr;
  if (taken.some((other) => overlaps(other, subnet)))
    throw new EngineError('forbidden', 'invalid pool request: Pool overlaps with other one on this address space');
  const gateway = item.Gateway ? parseAddress(item.Gateway) : undefined;
  const first = parseCidr(item.IPRange ?? '')?.network ?? subnet;
  const chosen = gateway ?? {
    family: subnet.family,
    value: first.value === subnet.value ? first.value + 1n : first.value,
  };
  return { ...item, Subnet: formatCidr(subnet), Gateway: formatAddress(chosen) };
}
