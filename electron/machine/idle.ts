/** What decides whether a machine is used. Times are `performance.now()`'s. */
export interface Use {
  /** containers that run */
  running: number;
  lastEnded: number;
  /** connections of clients that do more than listen */
  busy: number;
  lastTraffic: number;
}

/** Milliseconds until a machine that nobody uses is to stop; undefined while it is used, or when it never is to (`patience` 0). */
export function untilIdleStop(use: Use, patience: number, now: number): number | undefined {
  if (patience === 0 || use.running > 0 || use.busy > 0) return undefined;
  return Math.max(0, Math.max(use.lastEnded, use.lastTraffic) + patience - now);
}
