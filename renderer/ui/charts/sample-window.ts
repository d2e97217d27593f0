/** Samples of the last minutes as columns, the way the graphs want them. A pause longer than `gapMs` becomes an empty sample. */
export class SampleWindow<K extends string> {
  /** seconds since the epoch, as uPlot counts */
  readonly times: number[] = [];
  readonly columns: Record<K, (number | null)[]>;
  private readonly keys: readonly K[];
  private readonly spanMs: number;
  private gapMs: number;
  private lastTime = 0;

  constructor(keys: readonly K[], spanMs: number, intervalMs = 1000) {
    this.keys = keys;
    this.spanMs = spanMs;
    this.gapMs = intervalMs * 2.6;
    this.columns = Object.fromEntries(keys.map((key) => [key, [] as (number | null)[]])) as Record<
      K,
      (number | null)[]
    >;
  }

  /** Replaces everything: the history that an engine keeps. */
  reset(samples: readonly (Record<K, number> & { time: number })[], intervalMs: number): void {
    this.gapMs = Math.max(intervalMs, 1000) * 2.6;
    this.times.length = 0;
    for (const key of this.keys) this.columns[key].length = 0;
    this.lastTime = 0;
    for (const sample of samples) this.push(sample);
  }

  /** Samples not newer than the last are left out: history and live overlap. */
  push(sample: Record<K, number> & { time: number }): void {
    if (sample.time <= this.lastTime) return;
    if (this.lastTime > 0 && sample.time - this.lastTime > this.gapMs) {
      this.times.push((this.lastTime + 1) / 1000);
      for (const key of this.keys) this.columns[key].push(null);
    }
    this.lastTime = sample.time;
    this.times.push(sample.time / 1000);
    for (const key of this.keys) this.columns[key].push(Number.isFinite(sample[key]) ? sample[key] : null);
    this.trim(sample.time - this.spanMs);
  }

  private trim(oldest: number): void {
    let count = 0;
    while (count < this.times.length && (this.times[count] ?? 0) * 1000 < oldest) count++;
    // a few at a time, or each push would shift all columns
    if (count < 30) return;
    this.times.splice(0, count);
    for (const key of this.keys) this.columns[key].splice(0, count);
  }

  /** milliseconds of the newest sample; 0 when there is none */
  get newest(): number {
    return this.lastTime;
  }
}
