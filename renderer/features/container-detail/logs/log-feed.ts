import type { LogBatch, LogLine } from '../../../../electron/contract/model.ts';
import type { LogModel } from '../../../ui/log-view/log-model.ts';
import { nanosOf } from '../../../ui/log-view/line-store.ts';

/** As many lines as the viewer keeps. */
export const tailLimit = 2_000_000;
/** Asked for when a broken stream is taken up again: enough unless very much was written meanwhile. */
export const resumeTail = 20_000;

type Instant = [milliseconds: number, nanoseconds: number];
const compare = (a: Instant, b: Instant): number => a[0] - b[0] || a[1] - b[1];

/**
 * Puts the lines of one stream into the model. A stream that takes up an earlier one sends lines again that are there already:
 * they are left out, by their time, and those of the very same time by their number.
 */
export class LogFeed {
  private readonly model: LogModel;
  private last: Instant | undefined;
  /** how many of the last lines there have exactly the time `last` */
  private ties = 0;
  private resuming = false;
  private tiesToSkip = 0;
  private received = 0;
  /** true once a resumed stream turns out to leave a gap: everything must be loaded anew */
  gap = false;

  constructor(model: LogModel) {
    this.model = model;
  }

  /** The next batches are of a new stream; how many lines it should begin with. */
  begin(): number {
    this.gap = false;
    this.received = 0;
    this.resuming = this.last !== undefined;
    this.tiesToSkip = this.ties;
    return this.resuming ? resumeTail : tailLimit;
  }

  /** Everything is asked for again. */
  restart(): void {
    this.last = undefined;
    this.ties = 0;
    this.model.clear();
  }

  take(batch: LogBatch): void {
    if (batch.kind !== 'lines') {
      this.resuming = false;
      return;
    }
    const lines = this.resuming ? this.unknown(batch.lines) : batch.lines;
    this.received += batch.lines.length;
    if (lines.length === 0) return;
    this.remember(lines);
    this.model.append(lines);
  }

  private unknown(lines: LogLine[]): LogLine[] {
    const first = lines[0];
    if (this.received === 0 && first && this.last && compare([first.time, nanosOf(first.stamp)], this.last) > 0) {
      // fewer than asked for means that this is all there is (the log was rotated or the container is new)
      this.gap = lines.length >= resumeTail;
    }
    return lines.filter((line) => {
      if (!this.last) return true;
      const order = compare([line.time, nanosOf(line.stamp)], this.last);
      if (order === 0 && this.tiesToSkip > 0) {
        this.tiesToSkip--;
        return false;
      }
      return order >= 0;
    });
  }

  private remember(lines: LogLine[]): void {
    for (let i = lines.length - 1; i >= 0; i--) {
      const line = lines[i];
      if (!line) break;
      const at: Instant = [line.time, nanosOf(line.stamp)];
      if (i === lines.length - 1) {
        if (this.last && compare(at, this.last) === 0) this.ties += 1;
        else [this.last, this.ties] = [at, 1];
      } else if (this.last && compare(at, this.last) === 0) this.ties += 1;
      else break;
    }
  }
}
