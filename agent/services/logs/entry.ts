/**
 * conmon's k8s-file lines: `2026-11-23T20:11:12.123456789+00:00 stdout F text`. F ends a line of the container's, P does not. The text
 * is any bytes but a newline.
 */

/** Length of the timestamp; conmon writes it in local time with a numeric offset, always this long. */
export const STAMP = 35;
/** The part up to the nanoseconds: the same length in UTC, where it also sorts. */
export const INSTANT = 29;
/** Timestamp, stream and tag, each with its space. */
export const PREFIX = STAMP + 1 + 6 + 1 + 1 + 1;

const SPACE = 0x20;
const F = 0x46;
const P = 0x50;
const O = 0x6f;
const E = 0x65;

/** Whether an entry starts at `at`, and lies whole before `end` (its newline's index). */
export function isEntry(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < PREFIX) return false;
  const tag = bytes[at + 43];
  const stream = bytes[at + 39];
  return (
    bytes[at + STAMP] === SPACE &&
    bytes[at + 42] === SPACE &&
    bytes[at + 44] === SPACE &&
    (tag === F || tag === P) &&
    (stream === O || stream === E) &&
    bytes[at + 10] === 0x54
  );
}
/** "std*o*ut" or "std*e*rr": 1 or 2, as in Docker's stream header. */
export const streamOf = (bytes: Uint8Array, at: number): 1 | 2 => (bytes[at + 39] === E ? 2 : 1);
export const isPartial = (bytes: Uint8Array, at: number): boolean => bytes[at + 43] === P;

/**
 * Turns timestamps with an offset into UTC. All but the offset's minutes stay as they are, so one conversion serves every line of the
 * same minute.
 */
export class UtcStamps {
  readonly #key = Buffer.alloc(22);
  readonly #minute = Buffer.alloc(16);

  /** Makes the INSTANT bytes at `at` UTC, in place; leaves the offset behind them. */
  normalise(bytes: Buffer, at: number): void {
    if (bytes[at + 30] === 0x30 && bytes[at + 31] === 0x30 && bytes[at + 33] === 0x30 && bytes[at + 34] === 0x30)
      return;
    if (
      bytes.compare(this.#key, 0, 16, at, at + 16) !== 0 ||
      bytes.compare(this.#key, 16, 22, at + INSTANT, at + STAMP) !== 0
    ) {
      bytes.copy(this.#key, 0, at, at + 16);
      bytes.copy(this.#key, 16, at + INSTANT, at + STAMP);
      const time = Date.parse(
        `${bytes.toString('latin1', at, at + 16)}:00${bytes.toString('latin1', at + INSTANT, at + STAMP)}`,
      );
      if (Number.isNaN(time)) bytes.copy(this.#minute, 0, at, at + 16);
      else this.#minute.write(new Date(time).toISOString().slice(0, 16), 'latin1');
    }
    this.#minute.copy(bytes, at);
  }
}

/** A moment as INSTANT bytes in UTC, to compare with those of a line. `nanoseconds` since the epoch. */
export function instantBytes(nanoseconds: bigint): Buffer {
  const seconds = nanoseconds / 1_000_000_000n;
  const rest = String(nanoseconds % 1_000_000_000n).padStart(9, '0');
  return Buffer.from(`${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${rest}`, 'latin1');
}
