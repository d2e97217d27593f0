import { conflict, notImplemented } from '../../api/errors.ts';
import { REOPEN_LOGS, writeFifo } from '../../runtime/control-fifo.ts';
import type { Layout } from '../../store/layout.ts';
import { systemClock, type Clock } from '../../system/clock.ts';
import { stderrLog, type Log } from '../../system/log.ts';
import type { ContainerLookup } from '../containers/types.ts';
import type { LogWriter } from './encode.ts';
import { instantBytes } from './entry.ts';
import { readLog } from './read.ts';
import { detailsOf } from './details.ts';
import { LogGates } from './gate.ts';
import { keepWithinLimits } from './keep.ts';
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
  gates?: LogGates;
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
  const gates = parts.gates ?? new LogGates();
  const stopRotation = keepWithinLimits({
    containers,
    layout,
    gates,
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
                gate: gates.of(path),
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
