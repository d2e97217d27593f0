import { readdir } from 'node:fs/promises';
import { addressesOf, idleBridges, removeBridge, removeStrayKeepers } from '../../networks/bridge.ts';
import { formatAddress, formatCidr, parseCidr } from '../../networks/cidr.ts';
import { createFirewall } from '../../networks/firewall.ts';
import type { NetworkRecord } from '../../networks/network-record.ts';
import { writeAttachment, type AttachmentRecord } from '../../networks/attachment-record.ts';
import { dropNamespace } from '../../networks/netns.ts';
import { retireBridge } from './remove.ts';
import { detach, undoNetwork } from './detach.ts';
import { forgetEntry } from './connect.ts';
import { applyFirewall } from './ready.ts';
import { rebuildAttachment } from './rebuild.ts';
import { engineTag, type NetworkState } from './state.ts';

/** After a restart: connections of containers that do not run are undone, the others' ports are held again. */
export async function recover(state: NetworkState, ids: ReadonlySet<string>): Promise<void> {
  const { layout, sys, log } = state.options;
  for (const id of await readdir(layout.netns))
    if (!state.attachments.has(id) && !ids.has(id)) dropNamespace(sys, layout.netns, id);
  for (const id of ids) await findAgain(state, id);
  for (const record of [...state.attachments.values()]) {
    if (!ids.has(record.id)) {
      await detach(state, record.id);
      dropNamespace(sys, layout.netns, record.id);
      continue;
    }
    await finishChanges(state, record);
    const { IPAddress: v4, GlobalIPv6Address: v6 } = record.networks[0]?.endpoint ?? {};
    const lost = await state.ports.restore(record, record.published, {
      ...(v4 ? { v4 } : {}),
      ...(v6 ? { v6 } : {}),
    });
    for (const port of lost)
      log.warn(
        `another program has taken ${port.hostIp}:${port.hostPort}/${port.protocol}, a published port of container ${record.name}`,
      );
  }
}

/** What is known of a running container's connections although the record of them could not be read. */
async function findAgain(state: NetworkState, id: string): Promise<void> {
  const told = state.attachments.has(id) ? undefined : state.options.users.attached?.(id);
  if (!told) return;
  try {
    const record = rebuildAttachment(state, id, told);
    if (!record) return;
    await writeAttachment(state.attachmentDirectory, record);
    state.attachments.set(id, record);
  } catch (error) {
    state.options.log.error(`connections of container ${told.name}`, error);
  }
}

/** A connect or disconnect that was cut off: the first is taken back, the second done to its end. No client was told of either. */
async function finishChanges(state: NetworkState, record: AttachmentRecord): Promise<void> {
  const { users, log } = state.options;
  const told = users.attachedTo?.(record.id);
  if (!told) return;
  try {
    for (const entry of [...record.networks]) {
      if (told.includes(entry.name)) continue;
      await undoNetwork(state, record, entry);
      await forgetEntry(state, record, entry);
      state.names.changed();
    }
    for (const name of told)
      if (!record.networks.some((entry) => entry.name === name))
        await users.endpointChanged(record.id, name, undefined);
  } catch (error) {
    log.error(`connections of container ${record.name}`, error);
  }
}

/**
 * The end of the engine. Containers go on, and what they need stays; a bridge that none is on is taken away with its rules, and made
 * again at the next start. `all` disconnects the containers first.
 */
export async function close(state: NetworkState, all: boolean): Promise<void> {
  const { exec, log, layout, sys } = state.options;
  if (all) for (const id of [...state.attachments.keys()]) await detach(state, id);
  await Promise.all(state.leaving.values());
  for (const id of state.attachments.keys()) state.ports.release(id);
  await state.names.end();
  const used = new Set(
    [...state.attachments.values()].flatMap((record) => record.networks.map((entry) => entry.networkId)),
  );
  for (const network of state.networks.values()) {
    if (network.driver !== 'bridge' || used.has(network.id)) continue;
    await retireBridge(state, network, false).catch(async (error: unknown) => {
      log.error(`network ${network.name}`, error);
      await removeBridge(exec, network.bridge).catch(() => undefined);
    });
  }
  if (state.ready.size === 0) await state.firewall.remove();
  else await applyFirewall(state);
  if (all) for (const id of await readdir(layout.netns)) dropNamespace(sys, layout.netns, id);
}

/**
 * Takes away bridges and rules of engines that were killed and whose directories were deleted, and of networks whose record was lost: their
 * subnets are free again.
 */
export async function sweepOrphans(state: NetworkState): Promise<void> {
  const { exec, log } = state.options;
  await removeStrayKeepers(exec).catch((error: unknown) => log.error('keepers of bridges that are gone', error));
  for (const { interface: bridge, owner } of await idleBridges(state.options.layout.root)) {
    if (state.networks.has(owner.networkId)) continue;
    try {
      const config = (await addressesOf(exec, bridge)).flatMap((text) => {
        const parsed = parseCidr(text);
        return parsed ? { Subnet: formatCidr(parsed.network), Gateway: formatAddress(parsed.address) } : [];
      });
      const orphan: NetworkRecord = {
        ...NOBODYS,
        id: owner.networkId,
        bridge,
        ipam: { Driver: 'default', Options: null, Config: config },
      };
      state.add(orphan);
      await retireBridge(state, orphan, false).finally(() => state.forget(orphan.id));
      if (owner.root !== state.options.layout.root) await createFirewall(exec, engineTag(owner.root)).remove();
      log.info(`removed bridge ${bridge}, left by an engine on ${owner.root}`);
    } catch (error) {
      log.error(`bridge ${bridge}, left by an engine on ${owner.root}`, error);
    }
  }
}

const NOBODYS = {
  name: 'orphan',
  created: '',
  driver: 'bridge',
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  userSubnets: false,
  options: {},
  labels: {},
} as const;
