import type { UsageHistory, UsageSample, UsageTick } from '../../api/berth.ts';
import type { TopResponse } from '../../api/container.ts';
import { invalid } from '../../api/errors.ts';
import type { ContainerStats } from '../../api/system.ts';
import type { MeteredCgroups } from '../../cgroups/meter.ts';
import type { Clock } from '../../system/clock.ts';
import { exec as realExec, type Exec } from '../../system/exec.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerLookup } from '../containers/types.ts';
import { dockerStats, emptyStats, withPrevious } from './docker-stats.ts';
import { readMachineCpu, readMachineMemory, readNetworks } from './proc.ts';
import { Sampler } from './sampler.ts';
import { top } from './top.ts';

const STATS_INTERVAL = 1_000;

export interface StatsRun {
  /** Gives the samples to `emit`, one a second when streaming. Ends when the container is removed or `signal` aborts. */
  run(emit: (stats: ContainerStats) => Promise<void>, signal: AbortSignal): Promise<void>;
}

/** What the stats and Berth routers call. */
export interface StatsBackend {
  /** Throws not-found; invalid for a stream of one. */
  open(reference: string, options: { stream: boolean; oneShot: boolean }): StatsRun;
  top(reference: string, psArguments: string): Promise<TopResponse>;
  history(reference: string): UsageHistory;
  latest(id: string): UsageSample | undefined;
  watch(watcher: (tick: UsageTick) => void): () => void;
  close(): void;
}

export interface StatsParts {
  cgroups: MeteredCgroups;
  containers: ContainerLookup;
  clock: Clock;
  exec?: Exec;
}

export function createStats(parts: StatsParts): StatsBackend {
  const { cgroups, containers, clock } = parts;
  const memory = readMachineMemory();
  const sampler = new Sampler(cgroups, containers, clock, memory);
  const take = async (record: ContainerRecord): Promise<ContainerStats> => {
    if (!isLive(record)) return emptyStats(record.id, record.name);
    const usage = await cgroups.read(record.cgroupPath);
    const networks = record.hostConfig.NetworkMode === 'host' ? undefined : readNetworks(record.state.Pid);
    const machine = { ...readMachineCpu(), memory };
    return dockerStats({
      id: record.id,
      name: record.name,
      read: clock.timestamp(),
      version: cgroups.version,
      usage,
      machine,
      networks,
    });
  };
  return {
    open(reference, options) {
      const record = containers.get(reference);
      if (options.stream && options.oneShot) throw invalid('cannot have stream=true and one-shot=true');
      return { run: (emit, signal) => runStats({ containers, clock, take, id: record.id }, options, emit, signal) };
    },
    top: (reference, psArguments) => top({ containers, cgroups, exec: parts.exec ?? realExec }, reference, psArguments),
    history: (reference) => sampler.history(containers.get(reference).id),
    latest: (id) => sampler.latest(id),
    watch: (watcher) => sampler.watch(watcher),
    close: () => sampler.close(),
  };
}

const isLive = ({ state }: ContainerRecord) => state.Running && !state.Restarting;

interface RunParts {
  containers: ContainerLookup;
  clock: Clock;
  take: (record: ContainerRecord) => Promise<ContainerStats>;
  id: string;
}

/**
 * The first of a stream has no predecessor; the single answer has one, from a second before, unless it was asked for in one shot. A
 * container that is not running gives samples of nothing, and a single one at once.
 */
async function runStats(
  { containers, clock, take, id }: RunParts,
  { stream, oneShot }: { stream: boolean; oneShot: boolean },
  emit: (stats: ContainerStats) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const record = containers.get(id);
  if (!stream && (oneShot || !isLive(record))) return emit(await take(record));
  let previous: ContainerStats | undefined;
  while (!signal.aborted) {
    const current = containers.find(id);
    if (current?.id !== id) return;
    const stats = await take(current);
    if (stream || previous !== undefined) await emit(withPrevious(stats, previous));
    if (!stream && previous !== undefined) return;
    previous = stats;
    await pause(clock, STATS_INTERVAL, signal);
  }
}

function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    const finish = () => {
      cancel();
      signal.removeEventListener('abort', finish);
      done();
    };
    const cancel = clock.setTimeout(finish, milliseconds);
    signal.addEventListener('abort', finish, { once: true });
  });
}
