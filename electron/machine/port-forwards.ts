import { isIPv6 } from 'node:net';
import type { PortSummary } from '../../agent/api/container.ts';
import type { PortForward } from '../contract/machine.ts';
import { relayLoopback } from './loopback-relay.ts';
import { portOwner } from './port-owner.ts';
import type { HostForward, MachineProcess } from './types.ts';

type Ways = Pick<MachineProcess, 'forward' | 'unforward'>;

interface Open {
  report: PortForward;
  rule: HostForward;
  close?: (() => void) | undefined;
}

const keyOf = ({ protocol, hostAddress, hostPort }: HostForward) => `${protocol} ${hostAddress} ${hostPort}`;
const LOOPBACK = /^(localhost|127\.)/;

/** The ports that containers publish, open on this host as long as they run. `tell` hears of each change. */
export class PortForwards {
  readonly #ways: Ways;
  readonly #tell: (ports: PortForward[]) => void;
  readonly #owner: typeof portOwner;
  /** by container */
  readonly #wanted = new Map<string, Map<string, Open>>();
  #last: Promise<void> = Promise.resolve();

  constructor(ways: Ways, tell: (ports: PortForward[]) => void, owner = portOwner) {
    this.#ways = ways;
    this.#tell = tell;
    this.#owner = owner;
  }

  /** What this container publishes now; nothing when it has ended. Resolves when that is so on this host. */
  set(id: string, name: string, ports: readonly PortSummary[]): Promise<void> {
    return this.#inTurn(() => this.#change(id, rulesOf(ports), name));
  }

  /** Only these run. */
  keep(ids: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const id of this.#wanted.keys()) if (!ids.includes(id)) await this.#change(id, [], '');
    });
  }

  /** Tries again what was refused: who had the port may have ended. */
  retry(): Promise<void> {
    return this.#inTurn(async () => {
      for (const ports of this.#wanted.values())
        for (const [key, open] of ports) {
          if (open.report.state === 'open') continue;
          const again = await this.#open(open.rule, open.report.container);
          ports.set(key, again);
          if (again.report.error !== open.report.error) this.#report();
        }
    });
  }

  close(): void {
    for (const ports of this.#wanted.values()) for (const { close } of ports.values()) close?.();
    this.#wanted.clear();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #change(id: string, rules: HostForward[], name: string): Promise<void> {
    const before = this.#wanted.get(id) ?? new Map<string, Open>();
    const after = new Map(rules.map((rule) => [keyOf(rule), rule]));
    let changed = false;
    for (const [key, open] of before)
      if (!after.has(key)) {
        changed = true;
        before.delete(key);
        await this.#shut(open);
      }
    for (const [key, rule] of after)
      if (!before.has(key)) {
        changed = true;
        before.set(key, await this.#open(rule, name));
      }
    if (before.size > 0) this.#wanted.set(id, before);
    else this.#wanted.delete(id);
    if (changed) this.#report();
  }

  #report(): void {
    this.#tell([...this.#wanted.values()].flatMap((ports) => [...ports.values()].map((open) => open.report)));
  }

  async #open(rule: HostForward, container: string): Promise<Open> {
    const { protocol, hostAddress, hostPort: port } = rule;
    const report: PortForward = { protocol, hostAddress, port, container, state: 'open' };
    try {
      await this.#ways.forward(rule);
    } catch {
      const owner = await this.#owner(protocol, port);
      const error = owner
        ? `${hostAddress}:${port}/${protocol} is taken on this host by ${owner}`
        : `${hostAddress}:${port}/${protocol} cannot be opened on this host: it is taken, not allowed, or no address of this host`;
      return { rule, report: { ...report, state: 'refused', error, ...(owner ? { owner } : {}) } };
    }
    const anywhere = hostAddress === '0.0.0.0' || LOOPBACK.test(hostAddress);
    return { rule, report, close: protocol === 'tcp' && anywhere ? await relayLoopback(port) : undefined };
  }

  async #shut({ rule, report, close }: Open): Promise<void> {
    close?.();
    if (report.state === 'open') await this.#ways.unforward(rule).catch(() => undefined);
  }
}

/** IPv6 addresses of this host cannot be forwarded from, but for its loopback; "::" comes with "0.0.0.0". */
function rulesOf(ports: readonly PortSummary[]): HostForward[] {
  const rules = new Map<string, HostForward>();
  for (const { IP = '', PublicPort, Type } of ports) {
    if (!PublicPort || (Type !== 'tcp' && Type !== 'udp')) continue;
    const hostAddress = IP === '::' || IP === '' ? '0.0.0.0' : IP === '::1' ? '127.0.0.1' : IP;
    if (isIPv6(hostAddress)) continue;
    const rule: HostForward = { protocol: Type, hostAddress, hostPort: PublicPort, guestPort: PublicPort };
    rules.set(keyOf(rule), rule);
  }
  return [...rules.values()];
}
