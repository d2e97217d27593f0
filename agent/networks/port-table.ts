import { readFileSync } from 'node:fs';
import { systemError, type EngineError } from '../api/errors.ts';
import { holdTcp, type Holder, type Target } from './forward-tcp.ts';
import { holdUdp } from './forward-udp.ts';
import { HostRefusal, type HostPorts } from './host-ports.ts';
import type { PortWish, Protocol, PublishedPort } from './ports.ts';

/** A container. */
type Owner = { id: string; name: string };

interface Held {
  port: PublishedPort;
  owner: string;
  holder: Holder | undefined;
}

const isAny = (hostIp: string): boolean => hostIp === '0.0.0.0' || hostIp === '::';
const bracketed = (hostIp: string): string => (hostIp.includes(':') ? `[${hostIp}]` : hostIp);
const sameFamily = (a: string, b: string): boolean => a.includes(':') === b.includes(':');

/** Errors in the words of libnetwork; the caller puts the endpoint before them. */
const taken = (hostIp: string, port: number) =>
  systemError(`Bind for ${bracketed(hostIp)}:${port} failed: port is already allocated`);

const REASONS: Record<string, string> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
};

/** Host ports that lead to containers: none is given twice, and none that another program has. */
export class PortTable {
  readonly #held = new Map<string, Held[]>();
  readonly #ephemeral: { first: number; last: number };
  #next: number;
  readonly #host: HostPorts | undefined;
  readonly hostHasIPv6: boolean;
  /** the address of this machine that a published port is bound to */
  readonly bound: (port: PublishedPort) => PublishedPort = (port) => port;

  /**
   * `host`: the addresses of what is published are another machine's, which leads what reaches it to any address of this one. Two
   * addresses of that machine cannot have the same port then.
   */
  constructor(host?: HostPorts) {
    this.#host = host;
    if (host) this.bound = (port) => ({ ...port, hostIp: port.hostIp.includes(':') ? '::' : '0.0.0.0' });
    this.#ephemeral = ephemeralRange();
    this.#next = this.#ephemeral.first;
    this.hostHasIPv6 = readText('/proc/net/if_inet6').trim() !== '';
  }

  /** All or none. `addresses` are the container's, for messages and for what the kernel does not forward. */
  async publish(
    owner: Owner,
    wishes: readonly PortWish[],
    addresses: { v4?: string; v6?: string },
  ): Promise<PublishedPort[]> {
    const done: PublishedPort[] = [];
    try {
      for (const wish of wishes) done.push(...(await this.#publishOne(owner, wish, addresses)));
      return done;
    } catch (error) {
      this.release(owner.id);
      throw error;
    }
  }

  /** After a restart of the engine: what containers that still run have. Gives what another program took meanwhile. */
  async restore(
    owner: Owner,
    ports: readonly PublishedPort[],
    addresses: { v4?: string; v6?: string },
  ): Promise<PublishedPort[]> {
    const lost: PublishedPort[] = [];
    for (const port of ports) {
      const holder = await this.#holdBoth(owner, port, addresses).catch(() => undefined);
      if (!holder && port.protocol !== 'sctp') lost.push(port);
      this.#add({ port, owner: owner.id, holder });
    }
    return lost;
  }

  release(owner: string): void {
    for (const held of this.#held.get(owner) ?? []) held.holder?.close();
    this.#held.delete(owner);
  }

  async #publishOne(owner: Owner, wish: PortWish, addresses: { v4?: string; v6?: string }): Promise<PublishedPort[]> {
    const hostIps = wish.hostIp === '' ? (this.hostHasIPv6 ? ['0.0.0.0', '::'] : ['0.0.0.0']) : [wish.hostIp];
    const anyPort = wish.first === 0;
    const candidates = anyPort ? this.#ephemeralPorts() : range(wish.first, wish.last);
    let failure: EngineError | undefined;
    for (const hostPort of candidates) {
      const ports = hostIps.map((hostIp) => ({
        protocol: wish.protocol,
        containerPort: wish.containerPort,
        hostIp,
        hostPort,
      }));
      const clash = ports.find((port) => this.#isTaken(port));
      failure = clash ? taken(clash.hostIp, hostPort) : await this.#hold(owner, ports, addresses);
      if (failure) continue;
      if (anyPort) this.#next = hostPort + 1;
      return ports;
    }
    throw failure ?? systemError('all ports are allocated');
  }

  async #hold(
    owner: Owner,
    ports: PublishedPort[],
    addresses: { v4?: string; v6?: string },
  ): Promise<EngineError | undefined> {
    const got: Held[] = [];
    for (const port of ports) {
      try {
        got.push({ port, owner: owner.id, holder: await this.#holdBoth(owner, port, addresses) });
      } catch (error) {
        for (const held of got) held.holder?.close();
        const code = (error as NodeJS.ErrnoException).code ?? '';
        const why = error instanceof HostRefusal ? error.message : (REASONS[code] ?? code);
        const to = `${addresses.v4 ?? `[${addresses.v6 ?? ''}]`}:${port.containerPort}/${port.protocol}`;
        return systemError(
          `failed to bind host port for ${bracketed(port.hostIp)}:${port.hostPort}:${to}: ${why}`,
          error,
        );
      }
    }
    for (const held of got) this.#add(held);
    return undefined;
  }

  /** Here, and on the user's machine where that is another. */
  async #holdBoth(
    owner: Owner,
    port: PublishedPort,
    addresses: { v4?: string; v6?: string },
  ): Promise<Holder | undefined> {
    const here = await hold(this.bound(port), targetOf(port, addresses));
    if (!this.#host) return here;
    try {
      const there = await this.#host.hold(owner, port);
      return {
        close: () => {
          here?.close();
          there?.close();
        },
      };
    } catch (error) {
      here?.close();
      throw error;
    }
  }

  #add(held: Held): void {
    const list = this.#held.get(held.owner) ?? [];
    list.push(held);
    this.#held.set(held.owner, list);
  }

  #isTaken(wanted: PublishedPort): boolean {
    for (const list of this.#held.values())
      for (const { port } of list)
        if (
          port.hostPort === wanted.hostPort &&
          port.protocol === wanted.protocol &&
          sameFamily(port.hostIp, wanted.hostIp) &&
          (port.hostIp === wanted.hostIp || isAny(port.hostIp) || isAny(wanted.hostIp))
        )
          return true;
    return false;
  }

  /** The whole range once, starting after the port given last. */
  *#ephemeralPorts(): Generator<number> {
    const { first, last } = this.#ephemeral;
    const start = this.#next > last ? first : this.#next;
    yield* range(start, last);
    yield* range(first, start - 1);
  }
}

function* range(first: number, last: number): Generator<number> {
  for (let port = first; port <= last; port++) yield port;
}

function hold(port: PublishedPort, target: Target): Promise<Holder | undefined> {
  const holders: Record<Protocol, () => Promise<Holder | undefined>> = {
    tcp: () => holdTcp(port.hostIp, port.hostPort, target),
    udp: () => holdUdp(port.hostIp, port.hostPort, target),
    // Node has no SCTP sockets: the kernel's DNAT is all there is.
    sctp: () => Promise.resolve(undefined),
  };
  return holders[port.protocol]();
}

/** IPv6 goes to the container's IPv6 address where it has one, and to its IPv4 address else. */
function targetOf(port: PublishedPort, { v4, v6 }: { v4?: string; v6?: string }): Target {
  const host = port.hostIp.includes(':') ? (v6 ?? v4) : (v4 ?? v6);
  return () => (host === undefined ? undefined : { host, port: port.containerPort });
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** net.ipv4.ip_local_port_range, as Docker's port allocator uses it. */
function ephemeralRange(): { first: number; last: number } {
  const [first, last] = readText('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/).map(Number);
  return first && last && last > first ? { first, last } : { first: 49_153, last: 65_535 };
}
