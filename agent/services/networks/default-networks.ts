import { systemError } from '../../api/errors.ts';
import type { IpamConfig } from '../../api/network.ts';
import { formatAddress, formatCidr, parseCidr, type Cidr } from '../../networks/cidr.ts';
import { hostRoutes } from '../../networks/host-routes.ts';
import { OPTION, type NetworkRecord } from '../../networks/network-record.ts';
import { chooseSubnet, DEFAULT_POOLS } from '../../networks/pools.ts';
import { writeRecord } from '../../store/record.ts';
import { systemClock } from '../../system/clock.ts';
import { bridgeName, engineTag, networkKind, newId, recordPath, type NetworkState } from './state.ts';

/** `bridge`, `host` and `none` are there from the first start on, with the same ids ever after. */
export async function ensureDefaults(state: NetworkState): Promise<void> {
  const { config, layout } = state.options;
  const id = newId();
  const plain = {
    created: systemClock.timestamp(),
    attachable: false,
    internal: false,
    options: {},
    labels: {},
    userSubnets: false,
    bridge: '',
  };
  const noAddresses = { Driver: 'default', Options: null, Config: [] };
  if (!state.find('host'))
    await keep(state, {
      ...plain,
      id: newId(),
      name: 'host',
      driver: 'host',
      enableIPv4: true,
      enableIPv6: false,
      ipam: noAddresses,
    });
  if (!state.find('none'))
    await keep(state, {
      ...plain,
      id: newId(),
      name: 'none',
      driver: 'null',
      enableIPv4: true,
      enableIPv6: false,
      ipam: noAddresses,
    });
  const bridge = state.find('bridge');
  const wanted = await bridgeSubnets(state, bridge);
  if (bridge && wanted === undefined) return;
  // The configuration changed: the same network, with other addresses.
  const made: NetworkRecord = {
    ...plain,
    id: bridge?.id ?? id,
    created: bridge?.created ?? plain.created,
    name: 'bridge',
    driver: 'bridge',
    enableIPv4: true,
    enableIPv6: config.ipv6 && config.fixedCidrV6 !== '',
    ipam: { Driver: 'default', Options: null, Config: wanted ?? [] },
    options: {
      [OPTION.defaultBridge]: 'true',
      [OPTION.icc]: 'true',
      [OPTION.masquerade]: 'true',
      [OPTION.hostBinding]: '0.0.0.0',
      [OPTION.bridgeName]: bridgeName(engineTag(layout.root), bridge?.id ?? id),
      [OPTION.mtu]: '1500',
    },
    bridge: bridge?.bridge ?? bridgeName(engineTag(layout.root), id),
  };
  await keep(state, made);
}

/** Undefined when the bridge there is has what the configuration asks for. */
async function bridgeSubnets(
  state: NetworkState,
  bridge: NetworkRecord | undefined,
): Promise<IpamConfig[] | undefined> {
  const { bip, fixedCidrV6, ipv6 } = state.options.config;
  const have = bridge?.ipam.Config ?? [];
  const asked = bip === '' ? undefined : parseCidr(bip);
  if (bip !== '' && !asked) throw systemError(`invalid bip: ${bip}`);
  const six = ipv6 && fixedCidrV6 !== '' ? parseCidr(fixedCidrV6)?.network : undefined;
  const have4 = have.find((item) => !item.Subnet?.includes(':'));
  const have6 = have.find((item) => item.Subnet?.includes(':'));
  const fits4 = asked
    ? have4?.Gateway === formatAddress(asked.address) && have4.Subnet === formatCidr(asked.network)
    : have4 !== undefined;
  const fits6 = have6?.Subnet === (six && formatCidr(six));
  if (bridge && fits4 && fits6) return undefined;
  let four: IpamConfig;
  if (asked) four = { Subnet: formatCidr(asked.network), Gateway: formatAddress(asked.address) };
  else four = have4 ?? withGateway(await freeSubnet(state, 4));
  return six ? [four, withGateway(six)] : [four];
}

/** Every subnet this engine has given out, and every one the host routes somewhere. */
export async function takenSubnets(state: NetworkState): Promise<Cidr[]> {
  const own = [...state.networks.values()].flatMap((network) => network.ipam.Config);
  return [...own.flatMap((item) => parseCidr(item.Subnet ?? '')?.network ?? []), ...(await hostRoutes())];
}

export async function freeSubnet(
  state: NetworkState,
  family: 4 | 6,
  pools = state.options.config.defaultAddressPools,
): Promise<Cidr> {
  const subnet = chooseSubnet(pools.length > 0 ? pools : DEFAULT_POOLS, family, await takenSubnets(state));
  if (!subnet) throw systemError('all predefined address pools have been fully subnetted');
  return subnet;
}

export const withGateway = (subnet: Cidr): IpamConfig => ({
  Subnet: formatCidr(subnet),
  Gateway: formatAddress({ family: subnet.family, value: subnet.value + 1n }),
});

/** On disk first, then in memory. */
export async function keep(state: NetworkState, network: NetworkRecord): Promise<void> {
  const { layout, log } = state.options;
  await writeRecord(networkKind(layout, log), recordPath(layout, network.id), network);
  state.add(network);
}
