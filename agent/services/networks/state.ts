import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { notFound, invalid } from '../../api/errors.ts';
import type { AttachmentRecord } from '../../networks/attachment-record.ts';
import { Leases } from '../../networks/leases.ts';
import type { Firewall } from '../../networks/firewall.ts';
import type { Netavark } from '../../networks/netavark.ts';
import type { NetworkRecord } from '../../networks/network-record.ts';
import { NO_HOST, type HostPorts } from '../../networks/host-ports.ts';
import { PortTable } from '../../networks/port-table.ts';
import type { NetworkUsers } from '../../networks/types.ts';
import type { Layout } from '../../store/layout.ts';
import type { RecordKind } from '../../store/record.ts';
import type { Exec } from '../../system/exec.ts';
import type { Log } from '../../system/log.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import type { EngineConfig } from '../config.ts';
import type { EventSink } from '../events/types.ts';
import { RunQueue } from './run-queue.ts';

export interface NetworksOptions {
  layout: Layout;
  sys: Syscalls;
  exec: Exec;
  log: Log;
  config: Pick<
    EngineConfig,
    'defaultAddressPools' | 'dns' | 'dnsOpts' | 'dnsSearch' | 'bip' | 'fixedCidrV6' | 'ipv6' | 'hostMachine'
  >;
  users: NetworkUsers;
  events: EventSink;
  /** of the user's machine, where this engine runs in a guest of it */
  hostPorts?: HostPorts;
}

/** The networks' name server, as those that change networks see it. */
export interface Names {
  /** Resolves when the network's name server answers, or cannot be. */
  serve(network: NetworkRecord): Promise<void>;
  /** The network goes. */
  close(networkId: string): Promise<void>;
  /** Somebody came, went or has another name. */
  changed(): void;
  takeOver(): Promise<void>;
  end(): Promise<void>;
  abandon(): void;
}

const NAMELESS: Names = {
  serve: () => Promise.resolve(),
  close: () => Promise.resolve(),
  changed: () => undefined,
  takeOver: () => Promise.resolve(),
  end: () => Promise.resolve(),
  abandon: () => undefined,
};

/** Everything the network services share. */
export class NetworkState {
  readonly options: NetworksOptions;
  readonly netavark: Netavark;
  readonly firewall: Firewall;
  readonly boot: string;
  readonly queue = new RunQueue();
  readonly ports: PortTable;
  /** set before anything else is done with this */
  names: Names = NAMELESS;
  /** by id */
  readonly networks = new Map<string, NetworkRecord>();
  readonly leases = new Map<string, Leases>();
  /** by container id */
  readonly attachments = new Map<string, AttachmentRecord>();
  /** by id: containers that are gone and whose interface is being taken away */
  readonly leaving = new Map<string, Promise<void>>();
  /** ids of networks whose bridge was made sure of by this engine */
  readonly ready = new Set<string>();
  /** ids of networks that netavark has made the shared rules of since this engine started */
  readonly warm = new Set<string>();
  /** ids of networks whose bridge this engine made: unless warm, there is nothing but the bridge to take away */
  readonly fresh = new Set<string>();
  /** ids of networks being removed */
  readonly removing = new Set<string>();
  /** names being created, so that two requests do not both succeed */
  readonly creating = new Set<string>();

  constructor(options: NetworksOptions, parts: { netavark: Netavark; firewall: Firewall; boot: string }) {
    this.options = options;
    this.ports = new PortTable(options.config.hostMachine === '' ? undefined : (options.hostPorts ?? NO_HOST));
    this.netavark = parts.netavark;
    this.firewall = parts.firewall;
    this.boot = parts.boot;
  }

  get attachmentDirectory(): string {
    return attachmentDirectory(this.options.layout);
  }

  add(network: NetworkRecord): void {
    this.networks.set(network.id, network);
    this.leases.set(network.id, new Leases(network.ipam.Config));
  }

  forget(id: string): void {
    this.networks.delete(id);
    this.leases.delete(id);
    this.ready.delete(id);
    this.warm.delete(id);
    this.fresh.delete(id);
  }

  /** An attachment of an engine before this one: its addresses are taken. */
  adopt(record: AttachmentRecord): void {
    this.attachments.set(record.id, record);
    for (const { networkId, endpoint } of record.networks)
      for (const address of [endpoint.IPAddress, endpoint.GlobalIPv6Address])
        if (address) this.leases.get(networkId)?.reserve(address);
  }

  leasesOf(network: NetworkRecord): Leases {
    const leases = this.leases.get(network.id);
    if (!leases) throw new Error(`network ${network.id} has no leases`);
    return leases;
  }

  /** By full id, name, or unambiguous start of the id, in this order (moby `FindNetwork`). */
  find(reference: string): NetworkRecord | undefined {
    const name = reference === 'default' ? 'bridge' : reference;
    const exact = this.networks.get(name) ?? [...this.networks.values()].find((network) => network.name === name);
    if (exact) return exact;
    const starting = name === '' ? [] : [...this.networks.values()].filter((network) => network.id.startsWith(name));
    if (starting.length > 1)
      throw invalid(`network ${reference} is ambiguous (${starting.length} matches found based on ID prefix)`);
    return starting[0];
  }

  get(reference: string): NetworkRecord {
    const network = this.find(reference);
    if (!network) throw notFound(`network ${reference} not found`);
    return network;
  }

  /** Containers connected now. */
  *connected(
    networkId: string,
  ): Generator<{ attachment: AttachmentRecord; entry: AttachmentRecord['networks'][number] }> {
    for (const attachment of this.attachments.values())
      for (const entry of attachment.networks) if (entry.networkId === networkId) yield { attachment, entry };
  }

  emit(action: string, network: NetworkRecord, attributes: Record<string, string> = {}): void {
    this.options.events.emit('network', action, network.id, {
      ...attributes,
      name: network.name,
      type: network.driver,
    });
  }
}

export const attachmentDirectory = (layout: Layout): string => join(layout.run, 'networks', 'attachments');
export const namesDirectory = (layout: Layout): string => join(layout.run, 'networks', 'names');
export const recordPath = (layout: Layout, id: string): string => join(layout.networks, `${id}.json`);

/** Six hex digits for the engine on this root directory: engines side by side must not share a name in the kernel. */
export const engineTag = (root: string): string => createHash('sha256').update(root).digest('hex').slice(0, 6);

/** 15 characters at most (IFNAMSIZ). */
export const bridgeName = (tag: string, id: string): string => `bth${tag}-${id.slice(0, 5)}`;

/** The name netavark and its name server know a network by: chains and files on the machine are named after it. */
export const kernelName = (network: NetworkRecord): string => `berth-${network.id.slice(0, 32)}`;

export const newId = (): string => randomBytes(32).toString('hex');

export function networkKind(layout: Layout, log: Log): RecordKind<NetworkRecord> {
  return {
    name: 'network',
    migrations: [],
    isValid: (value) =>
      typeof value['id'] === 'string' &&
      typeof value['name'] === 'string' &&
      typeof value['ipam'] === 'object' &&
      typeof value['bridge'] === 'string',
    quarantine: layout.quarantine,
    report: (message) => log.warn(message),
  };
}
