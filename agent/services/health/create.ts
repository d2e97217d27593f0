import type { HealthLogEntry } from '../../api/container.ts';
import type { ContainerRecord } from '../container-record.ts';
import { emit, type ContainersContext } from '../containers/context.ts';
import type { Live } from '../containers/live.ts';
import { initialHealth, judge, nextProbe, probeCommand } from './state.ts';

export interface HealthParts {
  containers: ContainersContext;
  /** Runs the command once; never throws. */
  probe: (live: Live, signal: AbortSignal) => Promise<HealthLogEntry>;
  /** milliseconds since the container's process began, on a clock that does not jump */
  age: (record: ContainerRecord) => number;
}

/** What looks after one container. */
interface Watch {
  readonly end: AbortController;
  cancelTimer: () => void;
  /** the probe under way */
  probing: Promise<unknown>;
}

/**
 * Runs the health commands of running containers, each at its own interval. A container costs one timer between two probes, and
 * nothing when it has no health command. Gives the way to stop.
 */
export function startHealth(parts: HealthParts): () => void {
  const { containers } = parts;
  const watches = new Map<string, Watch>();
  /** of containers that were paused or restarted meanwhile: the next waits for it, so that no two run at a time */
  const last = new Map<string, Promise<unknown>>();

  const open = (live: Live, delay: number) => {
    const before = last.get(live.id) ?? Promise.resolve();
    last.delete(live.id);
    const watch: Watch = { end: new AbortController(), cancelTimer: () => undefined, probing: before };
    watches.set(live.id, watch);
    schedule(live, watch, delay);
  };
  const schedule = (live: Live, watch: Watch, delay: number) => {
    watch.cancelTimer = containers.clock.setTimeout(() => {
      watch.probing = watch.probing
        .then(() => check(parts, live, watch.end.signal))
        .catch((error: unknown) => containers.log.error(`health of container ${live.id}`, error))
        .then(() => {
          if (!watch.end.signal.aborted) schedule(live, watch, intervalOf(parts, live.record));
        });
    }, delay);
  };
  const close = (id: string) => {
    const watch = watches.get(id);
    if (!watch) return;
    watches.delete(id);
    watch.cancelTimer();
    watch.end.abort();
    last.set(id, watch.probing);
    void watch.probing.then(() => last.get(id) === watch.probing && last.delete(id));
  };
  const stopListening = containers.table.onChange((record, action) => {
    const wanted = record.state.Status === 'running' && probeCommand(record.config) !== undefined;
    if (!wanted || action === 'start') close(record.id);
    if (!wanted || watches.has(record.id)) return;
    const live = containers.table.find(record.id);
    if (live) open(live, intervalOf(parts, record));
  });
  for (const live of containers.table.values()) resume(parts, live, open);
  return () => {
    stopListening();
    for (const id of [...watches.keys()]) close(id);
  };
}

/** After a start of the engine: goes on where the one before was killed. */
function resume(parts: HealthParts, live: Live, open: (live: Live, delay: number) => void): void {
  const { record } = live;
  if (record.state.Status !== 'running' || probeCommand(record.config) === undefined) return;
  record.state.Health ??= initialHealth(record.config, undefined);
  const lastEnd = record.state.Health?.Log.at(-1)?.End;
  const since = lastEnd === undefined ? 0 : parts.containers.clock.now() - Date.parse(lastEnd);
  const interval = intervalOf(parts, record);
  open(live, Math.min(interval, Math.max(0, interval - since)));
}

const intervalOf = ({ age }: HealthParts, record: ContainerRecord): number =>
  nextProbe(record.config.Healthcheck ?? {}, record.state.Health?.Status ?? 'starting', age(record));

/** One probe and what follows from it. What comes too late, after the container ended or was paused, is not counted. */
async function check(parts: HealthParts, live: Live, end: AbortSignal): Promise<void> {
  const { containers } = parts;
  const { record } = live;
  const age = parts.age(record);
  if (end.aborted) return;
  const result = await parts.probe(live, end);
  const health = record.state.Health;
  if (end.aborted || !health) return;
  const before = health.Status;
  judge(health, record.config.Healthcheck ?? {}, result, age);
  if (health.Status === before) return;
  // Every change is kept on disk; what else is in the log goes there with the container's next change.
  await containers.table.save(live);
  if (end.aborted) return;
  emit(containers, live, `health_status: ${health.Status}`);
  containers.table.changed(live, 'health_status');
}
