/** Time behind a seam, so that tests can move it. */
export interface Clock {
  /** milliseconds since the epoch */
  now(): number;
  /** RFC 3339 with nanoseconds, UTC, as Docker writes it */
  timestamp(): string;
  /** nanoseconds that never go back */
  monotonic(): bigint;
  setTimeout(run: () => void, milliseconds: number): () => void;
}

/** Microsecond wall clock from the monotonic one, so that two calls in the same millisecond still differ. */
export const systemClock: Clock = {
  now: () => Date.now(),
  timestamp: () => timestampOf(performance.timeOrigin + performance.now()),
  monotonic: () => process.hrtime.bigint(),
  setTimeout: (run, milliseconds) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** `milliseconds` may have a fraction. */
export function timestampOf(milliseconds: number): string {
  const whole = Math.floor(milliseconds);
  const nanos = Math.floor((milliseconds - whole) * 1e6);
  return new Date(whole).toISOString().replace('Z', `${String(nanos).padStart(6, '0')}Z`);
}

/** "Never", as Docker writes it. */
export const ZERO_TIME = '0001-01-01T00:00:00Z';
