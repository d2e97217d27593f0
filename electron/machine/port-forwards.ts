import type { HostPortMessage } from '../../agent/api/berth.ts';
import type { PortSummary } from '../../agent/api/container.ts';
import type { PortForward } from '../contract/machine.ts';
import { openPort, type Opened, type PortWays, type PortWish } from './open-port.ts';

interface Entry {
  wish: PortWish;
  container: string;
  opened: Opened;
  /** which question of the engine's it answers; that one's container may not run yet */
  ask?: number | undefined;
  starting: boolean;
}

type Ask = Extract<HostPortMessage, { ask: number }>;

const keyOf = ({ protocol, hostAddress, port }: PortWish) => `${protocol} ${hostAddress} ${port}`;

/**
 * The ports that containers publish, open on this host as long as they run. The engine asks before a container starts, and what runs
 * already (the machine or this process was started anew) is learnt from its list. `tell` hears of each change.
 */
export class PortForwards {
  readonly #ways: PortWays;
  readonly #tell: (ports: PortForward[]) => void;
  readonly #openPort: typeof openPort;
  /** by container */
  readonly #wanted = new Map<string, Map<string, Entry>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(ways: PortWays, tell: (ports: PortForward[]) => void, open = openPort) {
    this.#ways = ways;
    this.#tell = tell;
    this.#openPort = open;
  }

  /** For a container that is about to start. Gives why not, in words that follow a colon; undefined when it is open. */
  ask({ ask, container, name, protocol, hostIp, hostPort }: Ask): Promise<string | undefined> {
    return this.#inTurn(async () => {
      const wish: PortWish = { protocol, hostAddress: addressOf(hostIp), port: hostPort };
      const known = this.#wanted.get(container)?.get(keyOf(wish));
      const opened = known && 'close' in known.opened ? known.opened : await this.#openPort(this.#ways, wish);
      if ('refused' in opened) return opened.refused;
      const entry = { wish, container: name, opened, ask, starting: true };
      this.#put(container, entry);
      this.#report();
      return undefined;
    });
  }

  /** What was asked for is not needed any more; fine when a later question is about the same port. */
  release(ask: number): Promise<void> {
    return this.#inTurn(async () => {
      for (const [id, ports] of this.#wanted)
        for (const [key, entry] of ports) if (entry.ask === ask) await this.#drop(id, key, entry);
    });
  }

  /** What this container publishes now; nothing when it has ended. Resolves when that is so on this host. */
  set(id: string, name: string, ports: readonly PortSummary[]): Promise<void> {
    return this.#inTurn(() => this.#change(id, wishesOf(ports), name));
  }

  /** Only these run, and nobody waits for an answer any more. */
  keep(ids: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const [id, ports] of this.#wanted) {
        for (const entry of ports.values()) entry.starting = false;
        if (!ids.includes(id)) await this.#change(id, [], '');
      }
    });
  }

  /** Tries again what was refused: who had the port may have ended. */
  retry(): Promise<void> {
    return this.#inTurn(async () => {
      for (const ports of this.#wanted.values())
        for (const entry of ports.values()) {
          if (!('refused' in entry.opened)) continue;
          const again = await this.#openPort(this.#ways, entry.wish);
          const news = !('refused' in again) || again.refused !== entry.opened.refused;
          entry.opened = again;
          if (news) this.#report();
        }
    });
  }

  /** The guest has ended, and with it what QEMU forwarded. */
  close(): void {
    for (const ports of this.#wanted.values())
      for (const { opened } of ports.values()) if ('close' in opened) void opened.close();
    this.#wanted.clear();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #change(id: string, wishes: PortWish[], name: string): Promise<void> {
    const after = new Map(wishes.map((wish) => [keyOf(wish), wish]));
    for (const [key, entry] of this.#wanted.get(id) ?? []) {
      if (!after.has(key)) {
        if (!entry.starting) await this.#drop(id, key, entry);
        continue;
      }
      const renamed = entry.container !== name;
      Object.assign(entry, { container: name, starting: false });
      if (renamed) this.#report();
    }
    for (const [key, wish] of after) {
      if (this.#wanted.get(id)?.has(key)) continue;
      this.#put(id, { wish, container: name, opened: await this.#openPort(this.#ways, wish), starting: false });
      this.#report();
    }
  }

  #put(id: string, entry: Entry): void {
    const ports = this.#wanted.get(id) ?? new Map<string, Entry>();
    this.#wanted.set(id, ports.set(keyOf(entry.wish), entry));
  }

  async #drop(id: string, key: string, { opened }: Entry): Promise<void> {
    const ports = this.#wanted.get(id);
    ports?.delete(key);
    if (ports?.size === 0) this.#wanted.delete(id);
    if ('close' in opened) await opened.close();
    this.#report();
  }

  #report(): void {
    this.#tell([...this.#wanted.values()].flatMap((ports) => [...ports.values()].map(reportOf)));
  }
}

function reportOf({ wish: { protocol, hostAddress, port }, container, opened }: Entry): PortForward {
  const report = { protocol, hostAddress, port, container };
  if ('close' in opened) return { ...report, state: 'open' };
  const owner = opened.owner === undefined ? {} : { owner: opened.owner };
  return { ...report, state: 'refused', error: `${hostAddress}:${port}/${protocol}: ${opened.refused}`, ...owner };
}

/** "::" comes with "0.0.0.0", and is the same here. */
const addressOf = (ip: string) => (ip === '' || ip === '::' ? '0.0.0.0' : ip);

function wishesOf(ports: readonly PortSummary[]): PortWish[] {
  return ports.flatMap(({ IP = '', PublicPort, Type }) =>
    PublicPort && (Type === 'tcp' || Type === 'udp')
      ? [{ protocol: Type, hostAddress: addressOf(IP), port: PublicPort }]
      : [],
  );
}
