import type { EngineHttp } from '../engine/http.ts';

/** Seconds that the guest's clock may differ: what is told is rounded to seconds, and an answer takes its time under emulation. */
const TOLERANCE = 2;
/** Milliseconds between looks at this host's clocks. */
const BEAT = 2_000;
/** Milliseconds by which a look is late when nothing ran meanwhile. */
const LATE = 4_000;
/** Milliseconds by which the time of day may go otherwise than the time that passes. */
const SHIFT = 2_000;

export interface Clocks {
  /** the time of day, in milliseconds */
  day(): number;
  /** milliseconds that only grow; some systems count those of a sleep, others do not */
  steady(): number;
}

const CLOCKS: Clocks = { day: Date.now, steady: () => performance.now() };

/**
 * Tells when this host has slept or was stopped, or its time of day was set: the guest's clock is wrong then. After a sleep either this
 * look comes late, or the time of day has gone on without it. Call the result to stop.
 */
export function onWake(woke: () => void, clocks: Clocks = CLOCKS): () => void {
  const read = () => ({ day: clocks.day(), steady: clocks.steady() });
  let last = read();
  const timer = setInterval(() => {
    const now = read();
    const passed = now.steady - last.steady;
    const shift = now.day - last.day - passed;
    last = now;
    if (passed > BEAT + LATE || Math.abs(shift) > SHIFT) woke();
  }, BEAT);
  timer.unref();
  return () => clearInterval(timer);
}

/** Seconds by which the guest's clock is behind, by the date of its engine's answer; 0 when it is near enough. */
export async function clockLag(http: EngineHttp): Promise<number> {
  const asked = Date.now();
  const answer = await http.stream('GET', '/_ping', { timeout: 30_000 });
  const came = Date.now();
  answer.resume();
  const told = Date.parse(answer.headers.date ?? '');
  if (Number.isNaN(told)) return 0;
  const lag = (asked - told) / 1000;
  return Math.abs(lag) > TOLERANCE + (came - asked) / 1000 ? lag : 0;
}

/** A command line that sets the guest's clock to now; busybox takes whole seconds. */
export const setClock = (now = Date.now()): string => `date -u -s @${Math.round(now / 1000)} >/dev/null`;
