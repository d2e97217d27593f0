import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeBridge } from '../../networks/bridge.ts';
import { dropNamespace } from '../../networks/netns.ts';
import { retireBridge } from './remove.ts';
import { detach } from './detach.ts';
import { namesDirectory, type NetworkState } from './state.ts';

/** After a restart: connections of containers that do not run are undone, the others' ports are held again. */
export async function recover(state: NetworkState, ids: ReadonlySet<string>): Promise<void> {
  const { layout, sys, log } = state.options;
  for (const id of await readdir(layout.netns)) if (!state.attachments.has(id) && !ids.has(id)) dropNamespace(sys, layout.netns, id);
  for (const record of [...state.attachments.values()]) {
    if (!ids.has(record.id)) {
      await detach(state, record.id);
      dropNamespace(sys, layout.netns, record.id);
      continue;
    }
    const { IPAddress: v4, GlobalIPv6Address: v6 } = record.networks[0]?.endpoint ?? {};
    const lost = await state.ports.restore(record.id, record.published, { ...(v4 ? { v4 } : {}), ...(v6 ? { v6 } : {}) });
    for (const port of lost)
      log.warn(`another program has taken ${port.hostIp}:${port.hostPort}/${port.protocol}, a published port of container ${record.name}`);
  }
  // The name server's files of an earlier boot name a process that is another's now.
  if (state.attachments.size === 0) await rm(join(namesDirectory(layout), 'aardvark-dns'), { recursive: true, force: true });
}

export async function purge(state: NetworkState, all: boolean): Promise<void> {
  if (all) {
    for (const id of [...state.attachments.keys()]) await detach(state, id);
    for (const network of state.networks.values()) {
      if (network.driver !== 'bridge') continue;
      await retireBridge(state, network).catch(() => removeBridge(state.options.exec, network.bridge));
    }
    await state.firewall.remove();
    for (const id of await readdir(state.options.layout.netns)) dropNamespace(state.options.sys, state.options.layout.netns, id);
  }
  for (const id of state.attachments.keys()) state.ports.release(id);
}
