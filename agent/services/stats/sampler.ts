import type { UsageHistory, UsageSample, UsageTick } from '../../api/berth.ts';
import type { CgroupMeter, MeterReading, MeteredCgroups } from '../../cgroups/meter.ts';
import type { Clock } from '../../system/clock.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerLookup } from '../containers/types.ts';
import { UsageRing } from './history.ts';
import { readNetworks } from './proc.ts';

/** milliseconds between samples */
export const WATCHED_INTERVAL = 1_000;
export const QUIET_INTERVAL = 2_000;

interface Reading extends MeterReading {
  /** nanoseconds, monotonic */
  at: bigint;
  rx: number;
  tx: number;
}

interface Metered {
  pid: number;
  meter: CgroupMeter;
  hasNetwork: boolean;
  previous: Reading | undefined;
  ring: UsageRing;
}

/**
 * Samples every running container: each second while someone watches, else every other, and not at all when none runs. A sample is
 * a few reads of open files.
 */
export class Sampler {
  readonly #cgroups: Pick<MeteredCgroups, 'meter'>;
  readonly #containers: ContainerLookup;
  readonly #clock: Clock;
  readonly #machineMemory: number;
  readonly #running = new Map<string, Metered>();
  /** of containers that have stopped, for as long as they exist */
  readonly #rings = new Map<string, UsageRing>();
  readonly #watchers = new Set<(tick: UsageTick) => void>();
  readonly #stop: () => void;
  #cancel: (() => void) | undefined;

  constructor(
    cgroups: Pick<MeteredCgroups, 'meter'>,
    containers: ContainerLookup,
    clock: Clock,
    machineMemory: number,
  ) {
    this.#cgroups = cgroups;
    this.#containers = containers;
    this.#clock = clock;
    this.#machineMemory = machineMemory;
    this.#stop = containers.onChange((record) => this.#changed(record));
    for (const record of containers.all()) this.#changed(record);
  }

  get interval(): number {
    return this.#watchers.size > 0 ? WATCHED_INTERVAL : QUIET_INTERVAL;
  }

  history(id: string): UsageHistory {
    const ring = this.#running.get(id)?.ring ?? this.#rings.get(id);
    return { id, interval: this.interval, samples: ring?.list(this.#clock.now()) ?? [] };
  }

  /** The newest sample; undefined for a container that does not run. */
  latest(id: string): UsageSample | undefined {
    return this.#running.get(id)?.ring.last();
  }

  /** Calls `watcher` with what is known, then after each round, a second apart, until the returned function is called. */
  watch(watcher: (tick: UsageTick) => void): () => void {
    const known: Record<string, UsageSample> = {};
    for (const [id, { ring }] of this.#running) {
      const sample = ring.last();
      if (sample) known[id] = sample;
    }
    watcher({ time: this.#clock.now(), containers: known });
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#schedule(WATCHED_INTERVAL);
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0 && this.#running.size === 0) this.#pause();
    };
  }

  close(): void {
    this.#stop();
    this.#pause();
    for (const metered of this.#running.values()) metered.meter.close();
    this.#running.clear();
  }

  #pause(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(delay: number): void {
    this.#cancel?.();
    this.#cancel = this.#clock.setTimeout(() => {
      this.#cancel = undefined;
      this.#round();
      if (this.#running.size > 0 || this.#watchers.size > 0) this.#schedule(this.interval);
    }, delay);
  }

  #changed(record: ContainerRecord): void {
    const { id, state } = record;
    const known = this.#running.get(id);
    const runs = state.Running && state.Pid > 0;
    if (known && (!runs || known.pid !== state.Pid)) {
      known.meter.close();
      this.#running.delete(id);
      this.#rings.set(id, known.ring);
    }
    for (const old of this.#rings.keys()) if (this.#containers.find(old)?.id !== old) this.#rings.delete(old);
    if (!runs || this.#running.has(id)) return;
    const metered: Metered = {
      pid: state.Pid,
      meter: this.#cgroups.meter(record.cgroupPath),
      hasNetwork: record.hostConfig.NetworkMode !== 'host' && record.hostConfig.NetworkMode !== 'none',
      previous: undefined,
      ring: this.#rings.get(id) ?? new UsageRing(),
    };
    this.#rings.delete(id);
    this.#running.set(id, metered);
    metered.previous = this.#read(metered);
    if (this.#cancel === undefined) this.#schedule(this.interval);
  }

  #round(): void {
    const time = this.#clock.now();
    const containers: Record<string, UsageSample> = {};
    for (const [id, metered] of this.#running) {
      const reading = this.#read(metered);
      if (reading === undefined) continue;
      if (metered.previous) {
        const sample = this.#sample(time, metered.previous, reading);
        metered.ring.push(sample);
        containers[id] = sample;
      }
      metered.previous = reading;
    }
    for (const watcher of this.#watchers) watcher({ time, containers });
  }

  #read(metered: Metered): Reading | undefined {
    const reading = metered.meter.read();
    if (reading === undefined) return undefined;
    let rx = 0;
    let tx = 0;
    if (metered.hasNetwork)
      for (const counters of Object.values(readNetworks(metered.pid) ?? {})) {
        rx += counters.rx_bytes;
        tx += counters.tx_bytes;
      }
    return { ...reading, at: this.#clock.monotonic(), rx, tx };
  }

  #sample(time: number, before: Reading, now: Reading): UsageSample {
    const nanoseconds = Math.max(1, Number(now.at - before.at));
    // A counter that went back began anew (a network was left and joined).
    const rate = (from: number, to: number) => (Math.max(0, to - from) / nanoseconds) * 1e9;
    const periods = now.periods - before.periods;
    return {
      time,
      cpuPercent: Math.round((Math.max(0, now.cpu - before.cpu) / nanoseconds) * 10_000) / 100,
      memory: now.memory,
      memoryLimit: Math.min(now.memoryLimit, this.#machineMemory),
      rxRate: Math.round(rate(before.rx, now.rx)),
      txRate: Math.round(rate(before.tx, now.tx)),
      readRate: Math.round(rate(before.readBytes, now.readBytes)),
      writeRate: Math.round(rate(before.writeBytes, now.writeBytes)),
      pids: now.pids,
      throttledPercent:
        periods > 0 ? Math.round(((now.throttledPeriods - before.throttledPeriods) / periods) * 10_000) / 100 : 0,
    };
  }
}
