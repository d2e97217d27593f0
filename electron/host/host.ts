import type { NetworkInspect } from '../../agent/api/network.ts';
import type { EngineDefaults, Place } from '../contract/engines.ts';
import type { NetworkRow, VolumeRow } from '../contract/model.ts';
import { EngineClient } from '../engine/client.ts';
import type { Transport } from '../engine/transport.ts';
import { CommandLineMachine } from './machine-control.ts';
import type { MachineControl } from '../machine/types.ts';
import type { Settings } from '../settings/settings.ts';
import { ContainerFeed } from './container-feed.ts';
import { EngineLink } from './engine-link.ts';
import { defaultEngine, type OwnEngine } from './engine-process.ts';
import { Engines } from './engines.ts';
import { HostError } from './failures.ts';
import { ImageFeed } from './image-feed.ts';
import { engineHostOf, isAllowedLink } from './links.ts';
import { registryAuth } from './registry-auth.ts';
import { createRouter, type HostRouter } from './router.ts';
import { MachineService } from './machine-service.ts';
import { engineDefaults, places, report } from './places.ts';
import { openSettings } from './settings-store.ts';
import { Terminals } from './terminals.ts';
import { UsageFeed } from './usage-feed.ts';

export interface HostOptions {
  /** the engine that was named at the start; without it the one that was chosen in the window is used */
  transport?: Transport;
  /** the machine of this host, where it is another than the user's */
  machine?: MachineControl;
  /** Berth's own engine on this kernel, where it is another than the user's */
  own?: OwnEngine;
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
  readonly engines: Engines;
  readonly machine: MachineService;
  authFor(reference: string): Promise<string>;
  listNetworks(): Promise<NetworkRow[]>;
  listVolumes(): Promise<VolumeRow[]>;
  watchSettings(signal: AbortSignal): AsyncGenerator<{ theme: Settings['theme'] }>;
  changeSettings(change: { theme: Settings['theme'] }): Promise<void>;
  openExternal(url: string): Promise<void>;
  engineDefaults(): Promise<EngineDefaults>;
  places(): Place[];
  report(): Promise<{ text: string }>;
}

export interface Host extends HostServices {
  readonly router: HostRouter;
  close(): void;
}

/** Everything the desktop side does that is not a window: one engine's connection, what is known of it, and the contract. */
export async function createHost(options: HostOptions): Promise<Host> {
  const settings = await openSettings(options.settingsFile);
  const machine = new MachineService(options.machine ?? new CommandLineMachine());
  const own = options.own ?? (process.platform === 'linux' ? defaultEngine() : undefined);
  const pinned = options.transport?.address;
  const engines = new Engines({ settings, machine, own, ...(pinned === undefined ? {} : { pinned }) });
  const first = options.transport ? { transport: options.transport, startNow: false } : await engines.first();
  const link = new EngineLink(new EngineClient(first.transport), first.start, first.startNow);
  engines.attach(link);
  machine.changed.listen(() => link.tryNow());
  const containers = new ContainerFeed(link);
  const images = new ImageFeed(link, containers);
  const usage = new UsageFeed(link, containers);
  const services: HostServices = {
    link,
    containers,
    images,
    usage,
    engines,
    machine,
    terminals: new Terminals(link.client),
    authFor: (reference) => registryAuth(reference),
    listNetworks: async () => (await link.client.listNetworks()).map((network) => toNetworkRow(network, containers)),
    listVolumes: () => listVolumes(link.client, containers),
    watchSettings: async function* (signal) {
      for await (const { theme } of settings.values.watch(signal)) yield { theme };
    },
    changeSettings: (change) => settings.change(change),
    engineDefaults: () => engineDefaults(link.client),
    places: () => places(options.settingsFile),
    report: () => report(link, engines, machine, options.settingsFile),
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
  if (pinned === undefined) void startWithApplication(machine);
  const close = () => {
    link.close();
    containers.close();
    images.close();
    usage.close();
  };
  return { ...services, router: createRouter(services), close };
}

/** A machine that starts with the application, or waits for its first request, does so whichever engine is used: it may serve others. */
async function startWithApplication(machine: MachineService): Promise<void> {
  const { start } = await machine.settings();
  // why it failed is in its state, which the window shows
  if (start === 'application') await machine.start().catch(() => undefined);
  else if (start === 'demand') await machine.wait().catch(() => undefined);
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
