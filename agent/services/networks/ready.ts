import { systemError } from '../../api/errors.ts';
import { ensureBridge } from '../../networks/bridge.ts';
import { parseCidr } from '../../networks/cidr.ts';
import { isTrue, OPTION, type NetworkRecord } from '../../networks/network-record.ts';
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
    })),
  );
}

function bridgeAddresses(network: NetworkRecord): string[] {
  return network.ipam.Config.flatMap(({ Subnet, Gateway }) => {
    const prefix = parseCidr(Subnet ?? '')?.network.prefix;
    return prefix === undefined || !Gateway ? [] : [`${Gateway}/${prefix}`];
  });
}
