import type { NetworkInspect } from '../../agent/api/network.ts';
import type { NetworkRow, VolumeRow } from '../contract/model.ts';
import { EngineClient } from '../engine/client.ts';
import type { Transport } from '../engine/transport.ts';
import { loadSettings, saveSettings, type Settings } from '../settings/settings.ts';
import { ContainerFeed } from './container-feed.ts';
import { EngineLink, type StartEngine } from './engine-link.ts';
import { HostError } from './failures.ts';
import { ImageFeed } from './image-feed.ts';
import { engineHostOf, isAllowedLink } from './links.ts';
import { registryAuth } from './registry-auth.ts';
import { createRouter, type HostRouter } from './router.ts';
import { Latest } from './signals.ts';
import { Terminals } from './terminals.ts';
import { UsageFeed } from './usage-feed.ts';

export interface HostOptions {
  transport: Transport;
  /** starts the engine where that is possible */
  startEngine?: StartEngine;
  settingsFile: string;
  /** opens a link in the user's browser; rejects where there is none */
  openExternal: (url: string) => Promise<void>;
}

/** What the router is made of. */
export interface HostServices {
  readonly link: EngineLink;
  readonly containers: ContainerFeed;
  readonly images: ImageFeed;
  readonly usage: UsageFeed;
  readonly terminals: Terminals;
  authFor(reference: string): Promise<string>;
  listNetworks(): Promise<NetworkRow[]>;
  listVolumes(): Promise<VolumeRow[]>;
  watchSettings(signal: AbortSignal): AsyncGenerator<{ theme: Settings['theme'] }>;
  changeSettings(change: { theme: Settings['theme'] }): Promise<void>;
  openExternal(url: string): Promise<void>;
}

export interface Host extends HostServices {
  readonly router: HostRouter;
  close(): void;
}

/** Everything the desktop side does that is not a window: one engine's connection, what is known of it, and the contract. */
export async function createHost(options: HostOptions): Promise<Host> {
  const link = new EngineLink(new EngineClient(options.transport), options.startEngine);
  const containers = new ContainerFeed(link);
  const images = new ImageFeed(link, containers);
  const usage = new UsageFeed(link, containers);
  const settings = new Latest(await loadSettings(options.settingsFile));
  const services: HostServices = {
    link,
    containers,
    images,
    usage,
    terminals: new Terminals(link.client),
    authFor: (reference) => registryAuth(reference),
    listNetworks: async () => (await link.client.listNetworks()).map((network) => toNetworkRow(network, containers)),
    listVolumes: () => listVolumes(link.client, containers),
    watchSettings: async function* (signal) {
      for await (const { theme } of settings.watch(signal)) yield { theme };
    },
    changeSettings: async (change) => {
      settings.set({ ...settings.value, ...change });
      await saveSettings(options.settingsFile, settings.value);
    },
    openExternal: async (url) => {
      if (!isAllowedLink(url, containers.rows.values(), engineHostOf(link.client.address)))
        throw new HostError({
          code: 'invalid-input',
          message: 'Only links to this machine and to published ports are opened.',
          field: 'url',
        });
      await options.openExternal(new URL(url).href);
    },
  };
  link.run();
  const close = () => {
    link.close();
    containers.close();
    images.close();
    usage.close();
  };
  return { ...services, router: createRouter(services), close };
}

function toNetworkRow(network: NetworkInspect, containers: ContainerFeed): NetworkRow {
  const rows = [...containers.rows.values()];
  return {
    id: network.Id,
    name: network.Name,
    driver: network.Driver,
    subnets: (network.IPAM?.Config ?? []).flatMap((config) => (config.Subnet ? [config.Subnet] : [])),
    internal: network.Internal,
    containers: rows.filter((row) => row.networks.includes(network.Name)).map((row) => row.name),
  };
}

async function listVolumes(client: EngineClient, containers: ContainerFeed): Promise<VolumeRow[]> {
  const rows = [...containers.rows.values()];
  return (await client.listVolumes()).map((volume) => ({
    name: volume.Name,
    driver: volume.Driver,
    mountpoint: volume.Mountpoint,
    created: Date.parse(volume.CreatedAt) || 0,
    usedBy: rows
      .filter((row) => row.mounts.some((mount) => mount.startsWith(`${volume.Name}:`)))
      .map((row) => row.name),
  }));
}
