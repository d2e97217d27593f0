import { carriedSgr, hasControls, settleCarriageReturns, stripAnsi } from './ansi.ts';

export interface IncomingLine {
  time: number;
  /** RFC 3339; its digits below the millisecond are kept */
  stamp: string;
  stream: 'stdout' | 'stderr';
  text: string;
}
export interface StoredLine {
  /** counts from the first line ever appended; stays the same when older lines are dropped */
  seq: number;
  time: number;
  stderr: boolean;
  /** with its escape sequences */
  raw: string;
  /** as one reads it */
  text: string;
}

const chunkBits = 12;
const chunkSize = 1 << chunkBits;

/** 4,096 lines. While it fills, lines are separate strings; then they are one string with offsets, which costs no header a line. */
class Chunk {
  readonly times = new Float64Array(chunkSize);
  readonly nanos = new Uint32Array(chunkSize);
  /** bit 0: stderr; bit 1: raw and plain text differ */
  readonly flags = new Uint8Array(chunkSize);
  count = 0;
  chars = 0;
  styled = false;
  /** while open: the lines; undefined once sealed */
  private open: { raw: string[]; plain: string[] } | undefined = { raw: [], plain: [] };
  private raw: JoinedLines | undefined;
  private plain: JoinedLines | undefined;

  push(raw: string, plain: string): void {
    this.open?.raw.push(raw);
    this.open?.plain.push(plain);
    this.chars += raw === plain ? raw.length : raw.length + plain.length;
    this.count++;
    if (raw !== plain) this.styled = true;
    if (this.count === chunkSize) this.seal();
  }

  private seal(): void {
    if (!this.open) return;
    this.plain = joinLines(this.open.plain);
    this.raw = this.styled ? joinLines(this.open.raw) : this.plain;
    this.open = undefined;
  }

  rawAt(index: number): string {
    return this.open ? (this.open.raw[index] ?? '') : lineAt(this.raw, index);
  }
  plainAt(index: number): string {
    return this.open ? (this.open.plain[index] ?? '') : lineAt(this.plain, index);
  }
  /** the plain text of all its lines and where each begins, for searching many at once; undefined while open */
  joined(): JoinedLines | undefined {
    return this.plain;
  }
}

export interface JoinedLines {
  text: string;
  /** offset of each line, and one more: the end */
  starts: Uint32Array;
}
function joinLines(lines: string[]): JoinedLines {
  const starts = new Uint32Array(lines.length + 1);
  let at = 0;
  for (let i = 0; i < lines.length; i++) {
    starts[i] = at;
    at += (lines[i] ?? '').length + 1;
  }
  starts[lines.length] = at;
  return { text: lines.join('\n'), starts };
}
const lineAt = (joined: JoinedLines | undefined, index: number): string =>
  joined ? joined.text.slice(joined.starts[index], (joined.starts[index + 1] ?? 0) - 1) : '';

export interface LineStoreLimits {
  lines: number;
  /** characters of text in all */
  chars: number;
}

/** Log lines in memory, at about the size of their text. When a limit is passed the oldest 4,096 are dropped at a time. */
export class LineStore {
  private chunks: Chunk[] = [];
  private carried = { stdout: '', stderr: '' };
  private totalChars = 0;
  /** sequence number of the oldest line that is kept */
  first = 0;
  /** one past the newest */
  end = 0;
  /** how many lines went because of the limits (not by clear) */
  dropped = 0;
  /** length of the longest line, tabs counted as eight */
  longest = 0;
  stderrCount = 0;
  private readonly limits: LineStoreLimits;

  constructor(limits: LineStoreLimits = { lines: 2_000_000, chars: 400_000_000 }) {
    this.limits = limits;
  }

  get length(): number {
    return this.end - this.first;
  }

  append(lines: readonly IncomingLine[]): void {
    for (const line of lines) this.appendOne(line);
    while (this.chunks.length > 1 && (this.length > this.limits.lines || this.totalChars > this.limits.chars))
      this.dropOldest();
  }

  private appendOne(line: IncomingLine): void {
    let chunk = this.chunks.at(-1);
    if (!chunk || chunk.count === chunkSize) this.chunks.push((chunk = new Chunk()));
    // a line break inside would break the joined text; the runtime never sends one, another engine might
    let text = line.text.includes('\n') ? line.text.replaceAll(/\r?\n/g, '⏎') : line.text;
    const carried = this.carried[line.stream];
    let plain = text;
    if (carried || hasControls(text)) {
      text = settleCarriageReturns(text);
      if (text.includes('\x1b')) this.carried[line.stream] = carriedSgr(text, carried);
      text = carried + text;
      plain = stripAnsi(text);
      if (!text.includes('\x1b')) text = plain;
    }
    const at = chunk.count;
    chunk.times[at] = line.time;
    chunk.nanos[at] = nanosOf(line.stamp);
    const stderr = line.stream === 'stderr';
    if (stderr) this.stderrCount++;
    chunk.flags[at] = (stderr ? 1 : 0) | (text === plain ? 0 : 2);
    const before = chunk.chars;
    chunk.push(text, plain);
    this.totalChars += chunk.chars - before;
    this.end++;
    const width = plain.includes('\t') ? plain.length + 7 * (plain.split('\t').length - 1) : plain.length;
    if (width > this.longest) this.longest = width;
  }

  private dropOldest(): void {
    const chunk = this.chunks.shift();
    if (!chunk) return;
    for (let i = 0; i < chunk.count; i++) if ((chunk.flags[i] ?? 0) & 1) this.stderrCount--;
    this.totalChars -= chunk.chars;
    this.first += chunk.count;
    this.dropped += chunk.count;
  }

  clear(): void {
    this.chunks = [];
    this.totalChars = 0;
    // chunks begin at multiples of their size from `first`, so the numbering goes on
    this.first = this.end;
    this.longest = 0;
    this.stderrCount = 0;
    this.dropped = 0;
    this.carried = { stdout: '', stderr: '' };
  }

  private locate(seq: number): [Chunk, number] | undefined {
    const index = seq - this.first;
    const chunk = index < 0 || seq >= this.end ? undefined : this.chunks[index >> chunkBits];
    return chunk && [chunk, index & (chunkSize - 1)];
  }

  line(seq: number): StoredLine | undefined {
    const found = this.locate(seq);
    if (!found) return undefined;
    const [chunk, at] = found;
    const flags = chunk.flags[at] ?? 0;
    const text = chunk.plainAt(at);
    return {
      seq,
      time: chunk.times[at] ?? 0,
      stderr: (flags & 1) !== 0,
      raw: flags & 2 ? chunk.rawAt(at) : text,
      text,
    };
  }

  text(seq: number): string {
    const found = this.locate(seq);
    return found ? found[0].plainAt(found[1]) : '';
  }

  isStderr(seq: number): boolean {
    const found = this.locate(seq);
    return found ? ((found[0].flags[found[1]] ?? 0) & 1) !== 0 : false;
  }

  /** Nanoseconds count too: compares as [milliseconds, nanoseconds below]. */
  instant(seq: number): [number, number] {
    const found = this.locate(seq);
    return found ? [found[0].times[found[1]] ?? 0, found[0].nanos[found[1]] ?? 0] : [0, 0];
  }

  /** The line's time in UTC as RFC 3339, to the nanosecond. */
  stamp(seq: number): string {
    const [time, nanos] = this.instant(seq);
    const iso = new Date(time).toISOString();
    return `${iso.slice(0, -1)}${String(nanos).padStart(6, '0')}Z`;
  }

  /**
   * The part of the store from `seq` on that can be searched in one go: whole sealed chunks come as joined text. `offset` is the
   * index of `seq` in it, `base` the sequence number of its first line.
   */
  searchable(seq: number): { base: number; count: number; joined: JoinedLines | undefined } | undefined {
    const found = this.locate(seq);
    if (!found) return undefined;
    return { base: seq - found[1], count: found[0].count, joined: found[0].joined() };
  }
}

/** The six digits below the millisecond of an RFC 3339 time: 0 to 999,999. */
export function nanosOf(stamp: string): number {
  const dot = stamp.indexOf('.');
  if (dot < 0) return 0;
  let value = 0;
  for (let i = 0; i < 6; i++) {
    const digit = stamp.charCodeAt(dot + 4 + i) - 48;
    if (!(digit >= 0 && digit <= 9)) return value * 10 ** (6 - i);
    value = value * 10 + digit;
  }
  return value;
}
