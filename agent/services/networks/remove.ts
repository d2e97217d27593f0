import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { EngineError, notFound } from '../../api/errors.ts';
import { matchLabels, type Filters } from '../../http/query.ts';
import { releaseBridge, removeBridge } from '../../networks/bridge.ts';
import { dropNamespace, makeNamespace } from '../../networks/netns.ts';
import { isPredefined, type NetworkRecord } from '../../networks/network-record.ts';
import { syncDirectory } from '../../store/atomic.ts';
import { planEndpoint, releaseEndpoint } from './plan-endpoint.ts';
import { applyFirewall } from './ready.ts';
import { recordPath, type NetworkState } from './state.ts';

export async function removeNetwork(state: NetworkState, reference: string): Promise<void> {
  const network = state.get(reference);
  if (isPredefined(network.name))
    throw new EngineError('forbidden', `${network.name} is a pre-defined network and cannot be removed`);
  const connected = [...state.connected(network.id)].map(
    ({ attachment, entry }) => `name:"${attachment.name}" id:"${entry.endpoint.EndpointID?.slice(0, 12)}"`,
  );
  if (connected.length > 0)
    throw new EngineError(
      'forbidden',
      `error while removing network: network ${network.name} has active endpoints (${connected.join(', ')})`,
    );
  if (state.removing.has(network.id)) throw notFound(`network ${reference} not found`);
  state.removing.add(network.id);
  try {
    await retireBridge(state, network);
    await rm(recordPath(state.options.layout, network.id), { force: true });
    await syncDirectory(state.options.layout.networks);
    state.forget(network.id);
  } finally {
    state.removing.delete(network.id);
  }
  state.emit('destroy', network);
}

/**
 * Ends the bridge and the rules all containers of the network shared. netavark does that after the last container: here a stand-in
 * is that container. Where nothing was ever connected, there is only the bridge. `rules`: see to the engine's own chains too.
 */
export async function retireBridge(state: NetworkState, network: NetworkRecord, rules = true): Promise<void> {
  if (network.driver !== 'bridge') return;
  const { exec, sys, layout, log } = state.options;
  await state.names.close(network.id);
  await state.queue.alone(async () => {
    await releaseBridge(exec, network.bridge);
    const bare = network.internal || (state.fresh.has(network.id) && !state.warm.has(network.id));
    if (existsSync(`/sys/class/net/${network.bridge}`) && !bare) {
      const subject = { id: `stand-in-${network.id.slice(0, 12)}`, name: 'stand-in', hostname: '' };
      const endpoint = planEndpoint(state, network, {}, subject, { interface: 'eth0', metric: 100 });
      for (const info of Object.values(endpoint.request.network_info)) info.dns_enabled = false;
      // Without this, netavark leaves the chain of published ports behind, empty.
      endpoint.request.port_mappings = [];
      const netns = makeNamespace(sys, layout.netns, subject.id);
      try {
        await state.netavark.setup(netns, endpoint.request);
        await state.netavark.teardown(netns, endpoint.request);
      } finally {
        releaseEndpoint(state, endpoint);
        // What is left of the stand-in the next engine takes away: the network goes all the same.
        try {
          dropNamespace(sys, layout.netns, subject.id);
        } catch (error) {
          log.error(`the stand-in of network ${network.name}`, error);
        }
      }
    }
    await removeBridge(exec, network.bridge);
    state.ready.delete(network.id);
    state.warm.delete(network.id);
    state.fresh.delete(network.id);
    if (rules) await applyFirewall(state);
  });
}

/** Networks no container names. Predefined ones stay. */
export async function prune(state: NetworkState, filters: Filters): Promise<{ NetworksDeleted: string[] | null }> {
  const until = filters.get('until');
  const before = until ? Math.min(...[...until].map((text) => readTime(text))) : Infinity;
  const deleted: string[] = [];
  for (const network of [...state.networks.values()]) {
    const unwanted = filters.get('label!');
    if (isPredefined(network.name) || !matchLabels(filters.get('label'), network.labels)) continue;
    if (unwanted && matchLabels(unwanted, network.labels)) continue;
    if (Date.parse(network.created) >= before || !state.connected(network.id).next().done) continue;
    try {
      await removeNetwork(state, network.id);
      deleted.push(network.name);
    } catch (error) {
      state.options.log.warn(`prune: ${(error as Error).message}`);
    }
  }
  return { NetworksDeleted: deleted.length > 0 ? deleted : null };
}

/** Seconds since the epoch, a date, or a duration before now ("1h30m"); milliseconds. */
function readTime(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length > 0 && parts.map(([all]) => all).join('') === text) {
    const unit: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
    return Date.now() - parts.reduce((sum, [, amount, name]) => sum + Number(amount) * (unit[name as string] ?? 0), 0);
  }
  return Date.parse(text);
}
