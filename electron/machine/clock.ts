import type { EngineHttp } from '../engine/http.ts';

/** Seconds that the guest's clock may differ: what is told is rounded to seconds, and an answer takes its time under emulation. */
const TOLERANCE = 2;
/** Milliseconds between looks at this host's clock, and the jump that says it slept. */
const BEAT = 2_000;
const JUMP = 10_000;

/** Tells when this host has slept: the wall clock then went on while nothing ran. Resolve `undo` to stop. */
export function onWake(woke: () => void, now = Date.now): () => void {
  let last = now();
  const timer = setInterval(() => {
    const at = now();
    if (at - last > BEAT + JUMP) woke();
    last = at;
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
