import type { UsageSample } from '../../api/berth.ts';

const FIELDS = [
  'cpuPercent',
  'memory',
  'memoryLimit',
  'rxRate',
  'txRate',
  'readRate',
  'writeRate',
  'pids',
  'throttledPercent',
] as const satisfies readonly (keyof UsageSample)[];

/** Ten minutes at one sample a second. */
export const HISTORY_SAMPLES = 600;
export const HISTORY_MILLISECONDS = 600_000;
const FIRST_CAPACITY = 32;

/**
 * The last samples of one container, in typed arrays: 44 bytes a sample. Grows to its full size only for a container that lives as
 * long. Single precision: an error of 64 bytes in a gibibyte.
 */
export class UsageRing {
  #capacity = FIRST_CAPACITY;
  #times = new Float64Array(FIRST_CAPACITY);
  #values = new Float32Array(FIRST_CAPACITY * FIELDS.length);
  /** index of the oldest */
  #start = 0;
  #length = 0;

  push(sample: UsageSample): void {
    if (this.#length === this.#capacity && this.#capacity < HISTORY_SAMPLES) this.#grow();
    const at = (this.#start + this.#length) % this.#capacity;
    if (this.#length === this.#capacity) this.#start = (this.#start + 1) % this.#capacity;
    else this.#length++;
    this.#times[at] = sample.time;
    for (let field = 0; field < FIELDS.length; field++)
      this.#values[at * FIELDS.length + field] = sample[FIELDS[field] as (typeof FIELDS)[number]];
  }

  /** Oldest first, none older than ten minutes before `now`. */
  list(now: number): UsageSample[] {
    const samples: UsageSample[] = [];
    for (let index = 0; index < this.#length; index++) {
      const sample = this.#at(index);
      if (sample.time > now - HISTORY_MILLISECONDS) samples.push(sample);
    }
    return samples;
  }

  last(): UsageSample | undefined {
    return this.#length === 0 ? undefined : this.#at(this.#length - 1);
  }

  #at(index: number): UsageSample {
    const at = (this.#start + index) % this.#capacity;
    const value = (field: number) => this.#values[at * FIELDS.length + field] as number;
    return {
      time: this.#times[at] as number,
      cpuPercent: Math.round(value(0) * 100) / 100,
      memory: value(1),
      memoryLimit: value(2),
      rxRate: Math.round(value(3)),
      txRate: Math.round(value(4)),
      readRate: Math.round(value(5)),
      writeRate: Math.round(value(6)),
      pids: value(7),
      throttledPercent: Math.round(value(8) * 100) / 100,
    };
  }

  /** Only while it has not wrapped: then the oldest is at the front. */
  #grow(): void {
    this.#capacity = Math.min(HISTORY_SAMPLES, this.#capacity * 2);
    const times = new Float64Array(this.#capacity);
    const values = new Float32Array(this.#capacity * FIELDS.length);
    times.set(this.#times);
    values.set(this.#values);
    this.#times = times;
    this.#values = values;
  }
}
