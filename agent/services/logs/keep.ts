import type { Clock } from '../../system/clock.ts';
import type { Log } from '../../system/log.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerLookup } from '../containers/types.ts';
import type { LogGates } from './gate.ts';
import { limitsOf, type LogLimits } from './limits.ts';
import { rotateIfNeeded, sizeOf, type RotateParts } from './rotate.ts';

/** milliseconds between two looks at a log: short while it grows towards its limit, long while it is quiet */
const SHORTEST = 20;
const LONGEST = 1_000;
/** bytes a millisecond: what a quiet log is taken to grow by when it begins to, so that a small limit is looked at more often */
const SUDDEN = 10_000;

export interface KeepParts extends RotateParts {
  containers: ContainerLookup;
  gates: LogGates;
  clock: Clock;
  log: Log;
}

/**
 * Keeps the logs of running containers within their limits. Only those with a limit are looked at; with none there is no timer. Gives
 * the way to stop.
 */
export function keepWithinLimits(parts: KeepParts): () => void {
  const kept = new Map<string, Keeper>();
  const changed = (record: ContainerRecord) => {
    const limits = record.state.Running && !record.state.Restarting ? limitsOf(record) : undefined;
    if (limits && !kept.has(record.id)) kept.set(record.id, new Keeper(parts, record.id, limits));
    if (limits) return;
    kept.get(record.id)?.stop();
    kept.delete(record.id);
    if (!parts.containers.find(record.id)) parts.gates.forget(parts.layout.containerLog(record.id));
  };
  const unsubscribe = parts.containers.onChange(changed);
  for (const record of parts.containers.all()) changed(record);
  return () => {
    unsubscribe();
    for (const keeper of kept.values()) keeper.stop();
  };
}

class Keeper {
  readonly #parts: KeepParts;
  readonly #id: string;
  readonly #limits: LogLimits;
  readonly #path: string;
  #cancel: () => void = () => undefined;
  #stopped = false;
  readonly #longest: number;
  #delay = SHORTEST;
  #size = 0;

  constructor(parts: KeepParts, id: string, limits: LogLimits) {
    this.#parts = parts;
    this.#id = id;
    this.#limits = limits;
    this.#path = parts.layout.containerLog(id);
    this.#longest = Math.min(LONGEST, Math.max(SHORTEST * 2, limits.maxSize / SUDDEN));
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #schedule(): void {
    if (!this.#stopped) this.#cancel = this.#parts.clock.setTimeout(() => void this.#look(), this.#delay);
  }

  async #look(): Promise<void> {
    const { log, gates } = this.#parts;
    try {
      const rotated = await rotateIfNeeded(this.#parts, this.#id, this.#limits, gates.of(this.#path));
      this.#adapt(rotated);
    } catch (error) {
      this.#delay = LONGEST;
      const { code } = error as NodeJS.ErrnoException;
      // The container has just ended, or cannot be told to open its log anew; the next look tries again.
      if (code !== 'ENXIO' && code !== 'ENOENT') log.error(`rotating the log of container ${this.#id}`, error);
    }
    this.#schedule();
  }

  /** The next look is when the log, growing as it did, is half-way to its limit. */
  #adapt(rotated: boolean): void {
    const size = sizeOf(this.#path);
    const grown = rotated ? size : size - this.#size;
    this.#size = size;
    if (grown <= 0) this.#delay = Math.min(this.#longest, this.#delay * 2);
    else {
      const left = ((this.#limits.maxSize - size) / grown) * this.#delay;
      this.#delay = Math.min(this.#longest, this.#delay * 2, Math.max(SHORTEST, left / 2));
    }
  }
}
