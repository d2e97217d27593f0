import { conflict, notImplemented } from '../../api/errors.ts';
import { REOPEN_LOGS, writeFifo } from '../../runtime/control-fifo.ts';
import type { Layout } from '../../store/layout.ts';
import { systemClock, type Clock } from '../../system/clock.ts';
import { stderrLog, type Log } from '../../system/log.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerLookup } from '../containers/types.ts';
import type { LogWriter } from './encode.ts';
import { instantBytes } from './entry.ts';
import { readLog } from './read.ts';
import { startLogRotation } from './rotate.ts';
import { watchLog } from './watch.ts';

/** What a client asks for. Times in nanoseconds since the epoch. */
export interface LogQuery {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  timestamps: boolean;
  details: boolean;
  since: bigint | undefined;
  until: bigint | undefined;
  /** lines from the end; undefined: all */
  tail: number | undefined;
}

/** A log that may be read: checked, and not begun. */
export interface OpenLog {
  /** a terminal's log is one raw stream */
  tty: boolean;
  /** Writes all there is (and, when following, all that comes). `write` resolves when its bytes may be overwritten. */
  run(write: LogWriter, signal: AbortSignal): Promise<void>;
}

/** What the logs router calls. */
export interface LogBackend {
  /** Throws not-found, conflict for a container that is going, not-implemented for a log driver that keeps nothing. */
  open(reference: string, query: LogQuery): OpenLog;
  /** Ends the rotation of logs. */
  close(): void;
}

export interface LogParts {
  containers: ContainerLookup;
  layout: Layout;
  clock?: Clock;
  log?: Log;
  /** asks the conmon of a bundle to open its log anew */
  reopenLog?: (bundle: string) => Promise<void>;
}

/** Checking sizes is no reason for the engine to stay. */
const backgroundClock: Clock = {
  ...systemClock,
  setTimeout: (run, milliseconds) => {
    const timer = setTimeout(run, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};

/** Drivers whose log the engine keeps itself, in one format for all. */
const READABLE = new Set(['', 'json-file', 'local', 'k8s-file']);

/** Serves the logs, and keeps those with a limit within it. */
export function createLogs(parts: LogParts): LogBackend {
  const { containers, layout } = parts;
  const stopRotation = startLogRotation({
    containers,
    layout,
    clock: parts.clock ?? backgroundClock,
    log: parts.log ?? stderrLog,
    reopenLog: parts.reopenLog ?? ((bundle) => writeFifo(bundle, 'ctl', REOPEN_LOGS)),
  });
  return {
    close: stopRotation,
    open(reference, query) {
      const record = containers.get(reference);
      if (record.state.Dead || record.state.Status === 'removing')
        throw conflict('can not get logs from container which is dead or marked for removal');
      if (!READABLE.has(record.hostConfig.LogConfig?.Type ?? ''))
        throw notImplemented('configured logging driver does not support reading');
      const { id } = record;
      const tty = record.config.Tty ?? false;
      const path = layout.containerLog(id);
      return {
        tty,
        async run(write, clientSignal) {
          const live = containers.find(id)?.state.Running ?? false;
          const { signal, done } = endingAt(query.follow ? query.until : undefined, clientSignal);
          const pastEnd = query.until !== undefined && query.until <= BigInt(Date.now()) * 1_000_000n;
          const follow = query.follow && live && !pastEnd ? watchLog(path, id, containers, signal) : undefined;
          try {
            await readLog(
              {
                path,
                stdout: query.stdout,
                stderr: query.stderr,
                timestamps: query.timestamps,
                details: query.details ? detailsOf(record) : undefined,
                multiplexed: !tty,
                since: query.since === undefined ? undefined : instantBytes(query.since),
                until: query.until === undefined ? undefined : instantBytes(query.until),
                tail: query.tail,
                follow,
              },
              write,
              signal,
            );
          } finally {
            follow?.close();
            done();
          }
        },
      };
    },
  };
}

/** The longest a timer of Node's can wait. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Aborts with `signal`, or when the time of `until` (nanoseconds since the epoch) has come, for a quiet container that is followed. */
function endingAt(until: bigint | undefined, signal: AbortSignal): { signal: AbortSignal; done: () => void } {
  const remaining = until === undefined ? Infinity : Number(until / 1_000_000n) - Date.now();
  // What is past ends by itself: there is nothing to wait for, and all to be read.
  if (remaining <= 0 || remaining > LONGEST_TIMER) return { signal, done: () => undefined };
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), remaining + 1);
  return { signal: AbortSignal.any([signal, end.signal]), done: () => clearTimeout(timer) };
}

/** The labels and variables named by the log options `labels` and `env`, as "key=value,key=value", sorted. */
export function detailsOf(record: Pick<ContainerRecord, 'config' | 'hostConfig'>): string {
  const options = record.hostConfig.LogConfig?.Config ?? {};
  const names = (option: string) => new Set((options[option] ?? '').split(',').filter(Boolean));
  const attributes = new Map<string, string>();
  for (const label of names('labels')) {
    const value = record.config.Labels?.[label];
    if (value !== undefined) attributes.set(label, value);
  }
  const wanted = names('env');
  for (const entry of record.config.Env ?? []) {
    const at = entry.indexOf('=');
    if (at > 0 && wanted.has(entry.slice(0, at))) attributes.set(entry.slice(0, at), entry.slice(at + 1));
  }
  return [...attributes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join(',');
}
