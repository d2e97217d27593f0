import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bootId, readAttachments } from '../../networks/attachment-record.ts';
import { createFirewall } from '../../networks/firewall.ts';
import { createNetavark } from '../../networks/netavark.ts';
import { dropNamespace, keepNamespace, makeNamespace } from '../../networks/netns.ts';
import type { ContainerNetworking, NetworkBackend } from '../../networks/types.ts';
import { readRecord, setAside } from '../../store/record.ts';
import { attach } from './attach.ts';
import { check } from './check.ts';
import { connect, disconnect } from './connect.ts';
import { createNetwork } from './create-network.ts';
import { ensureDefaults } from './default-networks.ts';
import { detach } from './detach.ts';
import { inspect, list } from './inspect.ts';
import { NameService } from './name-service.ts';
import { plainNames } from './names.ts';
import { close, recover, sweepOrphans } from './recover.ts';
import { ensureReady } from './ready.ts';
import { prune, removeNetwork } from './remove.ts';
import { renameAttached } from './rename.ts';
import {
  attachmentDirectory,
  engineTag,
  namesDirectory,
  networkKind,
  NetworkState,
  type NetworksOptions,
} from './state.ts';

export type Networks = NetworkBackend &
  ContainerNetworking & {
    /** At the engine's end: idle bridges go. With `purge`, all that this engine has in the kernel: for the end of tests. */
    close(options?: { purge?: boolean }): Promise<void>;
    /** Lets go of host ports and leaves all else, as a kill would. For tests. */
    abandon(): void;
  };

/** The networks of the engine on these directories. Reads what is on disk, and makes the default bridge. */
export async function createNetworks(options: NetworksOptions): Promise<Networks> {
  const { layout, exec, log, sys } = options;
  await Promise.all(
    [layout.networks, namesDirectory(layout), layout.netns].map((path) =>
      mkdir(path, { recursive: true, mode: 0o711 }),
    ),
  );
  const state = new NetworkState(options, {
    netavark: createNetavark(exec, namesDirectory(layout)),
    firewall: createFirewall(exec, engineTag(layout.root)),
    boot: await bootId(),
  });
  state.names = new NameService(state);
  for (const name of await readdir(layout.networks)) {
    // half-written by an engine that was killed
    if (name.endsWith('.tmp')) await rm(join(layout.networks, name), { force: true });
    if (!name.endsWith('.json')) continue;
    const network = await readRecord(networkKind(layout, log), join(layout.networks, name));
    if (network) state.add(network);
  }
  await sweepOrphans(state);
  await ensureDefaults(state);
  const unreadable = async (path: string, why: string) => {
    const target = await setAside(layout.quarantine, 'connections', path);
    log.warn(`The record of a container's connections ${path} could not be read (${why}); it was moved to ${target}.`);
  };
  for (const record of await readAttachments(attachmentDirectory(layout), state.boot, unreadable)) state.adopt(record);
  for (const network of state.networks.values())
    await ensureReady(state, network).catch((error: unknown) =>
      log.error(`network ${network.name} has no bridge`, error),
    );
  await state.names.takeOver();
  return {
    list: async (filters, detailed) => list(state, filters, detailed),
    inspect: async (reference, scope) => inspect(state, reference, scope),
    create: (request) => createNetwork(state, request),
    remove: (reference) => removeNetwork(state, reference),
    prune: (filters) => prune(state, filters),
    connect: (reference, container, endpoint) => connect(state, reference, container, endpoint),
    disconnect: (reference, container, force) => disconnect(state, reference, container, force),
    check: (mode, subject) => check(state, mode, subject),
    makeNamespace: (id) => makeNamespace(sys, layout.netns, id),
    keepNamespace: (id, source) => keepNamespace(sys, layout.netns, id, source),
    dropNamespace: (id) => dropNamespace(sys, layout.netns, id),
    attach: (netns, subject) => attach(state, netns, subject),
    rename: (id, name) => renameAttached(state, id, name),
    detach: (id) => detach(state, id),
    plain: (mode, subject) => plainNames(state, mode, subject),
    recover: (ids) => recover(state, ids),
    abandon: () => {
      state.attachments.forEach((record) => state.ports.release(record.id));
      state.names.abandon();
    },
    close: (how) => close(state, how?.purge ?? false),
  };
}
