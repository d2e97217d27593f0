import { systemError } from '../../api/errors.ts';
import { ensureBridge } from '../../networks/bridge.ts';
import { parseCidr } from '../../networks/cidr.ts';
import { isTrue, OPTION, type NetworkRecord } from '../../networks/network-record.ts';
import { bridgeOptions } from './options.ts';
import type { NetworkState } from './state.ts';

/** The bridge is there as long as its network is, as with Docker: its route tells others that the subnet is taken. */
export async function ensureReady(state: NetworkState, network: NetworkRecord): Promise<void> {
  if (network.driver !== 'bridge' || state.ready.has(network.id)) return;
  await state.queue.alone(async () => {
    if (state.ready.has(network.id)) return;
    try {
      const how = await ensureBridge(state.options.exec, {
        interface: network.bridge,
        addresses: bridgeAddresses(network),
        mtu: Number(network.options[OPTION.mtu] ?? 0),
        owner: { networkId: network.id, root: state.options.layout.root },
      });
      if (how === 'made') state.fresh.add(network.id);
    } catch (error) {
      throw systemError(
        `failed to create bridge ${network.bridge} for network ${network.name}: ${(error as Error).message}`,
        error,
      );
    }
    state.ready.add(network.id);
    await applyFirewall(state);
  });
}

/** For the bridges there are. */
export async function applyFirewall(state: NetworkState): Promise<void> {
  const bridges = [...state.ready].flatMap((id) => state.networks.get(id) ?? []);
  await state.firewall.apply(
    bridges.map((network) => ({
      interface: network.bridge,
      ipv6: network.enableIPv6,
      icc: network.options[OPTION.icc] === undefined || isTrue(network.options[OPTION.icc]),
      sources: sourcesOf(network),
    })),
  );
}

/** What is not masqueraded, or shows an address that was asked for. */
function sourcesOf(network: NetworkRecord): { subnet: string; source: string | undefined }[] {
  const { masquerade, routed, source } = bridgeOptions(network.options, network.internal);
  return network.ipam.Config.flatMap(({ Subnet: subnet = '' }) => {
    const family = subnet.includes(':') ? 'v6' : 'v4';
    const asIs = !masquerade || routed[family];
    return asIs || source[family] ? [{ subnet, source: asIs ? undefined : source[family] }] : [];
  });
}

function bridgeAddresses(network: NetworkRecord): string[] {
  return network.ipam.Config.flatMap(({ Subnet, Gateway }) => {
    const prefix = parseCidr(Subnet ?? '')?.network.prefix;
    return prefix === undefined || !Gateway ? [] : [`${Gateway}/${prefix}`];
  });
}
