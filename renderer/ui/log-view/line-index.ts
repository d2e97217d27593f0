import type { LineStore } from './line-store.ts';
import type { Matcher } from './matcher.ts';

/** A list of numbers that grows at the end and shrinks at the front, without copying at each step. */
export class NumberList {
  private values = new Uint32Array(1024);
  private from = 0;
  private to = 0;

  get length(): number {
    return this.to - this.from;
  }
  at(index: number): number | undefined {
    return index >= 0 && index < this.length ? this.values[this.from + index] : undefined;
  }
  push(value: number): void {
    if (this.to === this.values.length) this.grow();
    this.values[this.to++] = value;
  }
  private grow(): void {
    const used = this.values.subarray(this.from, this.to);
    const next = new Uint32Array(Math.max(1024, used.length * 2));
    next.set(used);
    this.values = next;
    this.to = used.length;
    this.from = 0;
  }
  /** Index of the first value that is not below `value`; the length when there is none. */
  lowerBound(value: number): number {
    let low = this.from;
    let high = this.to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.values[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    return low - this.from;
  }
  dropBelow(value: number): number {
    const count = this.lowerBound(value);
    this.from += count;
    return count;
  }
}

export type StreamChoice = 'both' | 'stdout' | 'stderr';

/** The lines of a store that are of a stream and match; found in small steps, and kept up as lines come and go. */
export class LineIndex {
  readonly found = new NumberList();
  /** one past the last line looked at */
  private scanned: number;
  private readonly store: LineStore;
  private readonly stream: StreamChoice;
  private readonly matcher: Matcher | undefined;

  constructor(store: LineStore, stream: StreamChoice, matcher: Matcher | undefined) {
    this.store = store;
    this.stream = stream;
    this.matcher = matcher;
    this.scanned = store.first;
  }

  get complete(): boolean {
    return this.scanned >= this.store.end;
  }
  /** 0 to 1 */
  get progress(): number {
    return this.store.length === 0 ? 1 : Math.min(1, (this.scanned - this.store.first) / this.store.length);
  }

  /** Forgets what the store has dropped; how many that were. */
  trim(): number {
    if (this.scanned < this.store.first) this.scanned = this.store.first;
    return this.found.dropBelow(this.store.first);
  }

  /** Looks at more lines for about `budgetMs`; true when all have been looked at. */
  scan(budgetMs: number, now: () => number = () => performance.now()): boolean {
    this.trim();
    const until = now() + budgetMs;
    while (!this.complete) {
      this.scanBlock();
      if (now() >= until) break;
    }
    return this.complete;
  }

  private scanBlock(): void {
    const block = this.store.searchable(this.scanned);
    if (!block) {
      this.scanned = this.store.end;
      return;
    }
    if (block.joined && this.matcher?.acrossLines && this.scanned === block.base)
      this.scanJoined(block.base, block.joined, this.matcher.acrossLines);
    else this.scanLines(Math.min(block.base + block.count, this.scanned + 1024));
  }

  private wanted(seq: number): boolean {
    return this.stream === 'both' || this.store.isStderr(seq) === (this.stream === 'stderr');
  }

  private scanLines(end: number): void {
    for (let seq = this.scanned; seq < end; seq++) {
      if (this.wanted(seq) && (!this.matcher || this.matcher.test(this.store.text(seq)))) this.found.push(seq);
    }
    this.scanned = end;
  }

  private scanJoined(base: number, joined: { text: string; starts: Uint32Array }, pattern: RegExp): void {
    const { text, starts } = joined;
    const lines = starts.length - 1;
    let line = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
      while (line + 1 < lines && (starts[line + 1] ?? 0) <= match.index) line++;
      if (this.wanted(base + line)) this.found.push(base + line);
      // one match a line is enough
      pattern.lastIndex = Math.max(starts[line + 1] ?? text.length, match.index + 1);
      line++;
      if (line >= lines) break;
    }
    this.scanned = base + lines;
  }
}
