import { statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Layout } from '../../store/layout.ts';
import { compressLog } from './compressed.ts';
import type { LogGate } from './gate.ts';
import type { LogLimits } from './limits.ts';

/** milliseconds conmon may take to open its log anew before this goes on without */
const REOPEN_PATIENCE = 1_000;

export interface RotateParts {
  layout: Layout;
  /** Asks the container's conmon to open its log anew; throws ENXIO when conmon is gone. */
  reopenLog: (bundle: string) => Promise<void>;
}

/** Bytes; 0 when there is none. Synchronous: a call of microseconds, where an asynchronous one costs more than it saves. */
export const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/**
 * Rotates a log that has outgrown its limit; true when it did. conmon goes on writing to the renamed file until it has opened the new
 * one, so no line is lost; the file that is being left is complete, and may be packed or dropped, only then.
 */
export function rotateIfNeeded(parts: RotateParts, id: string, limits: LogLimits, gate: LogGate): Promise<boolean> {
  return gate.rotate(() => rotate(parts, id, limits, gate));
}

async function rotate(parts: RotateParts, id: string, limits: LogLimits, gate: LogGate): Promise<boolean> {
  const path = parts.layout.containerLog(id);
  if (sizeOf(path) < limits.maxSize) {
    await finishLast(path, limits, gate);
    return false;
  }
  const left = await gate.run(async () => {
    await gate.letReadersOpen();
    await shift(path, limits);
    try {
      await parts.reopenLog(parts.layout.bundle(id));
    } catch (error) {
      // No conmon to make a new file: the old one stays the log.
      if (!exists(path)) await rename(`${path}.1`, path);
      throw error;
    }
    const ended = () => exists(join(parts.layout.exits, id));
    for (let waited = 0; !exists(path) && !ended() && waited < REOPEN_PATIENCE; waited += 2) await sleep(2);
    if (exists(path)) return true;
    // conmon has ended without opening another, or is late and then opens this one again.
    await rename(`${path}.1`, path);
    return false;
  });
  if (left) await finishLast(path, limits, gate);
  return left;
}

/** Makes room for another `.1`: what would be more than may stay goes. */
async function shift(path: string, limits: LogLimits): Promise<void> {
  let highest = 0;
  while (exists(`${path}.${highest + 1}`) || exists(`${path}.${highest + 1}.gz`)) highest++;
  for (let number = highest; number >= 1; number--)
    for (const suffix of ['', '.gz']) {
      const file = `${path}.${number}${suffix}`;
      if (!exists(file)) continue;
      if (number + 1 >= limits.maxFiles) await rm(file, { force: true });
      else await rename(file, `${path}.${number + 1}${suffix}`);
    }
  await rename(path, `${path}.1`);
}

/** What may be done with the newest of the files that were left, once conmon writes another: it goes with `max-file` 1, or is packed. */
async function finishLast(path: string, limits: LogLimits, gate: LogGate): Promise<void> {
  const last = `${path}.1`;
  if (limits.maxFiles > 1 && !limits.compress) return;
  if (!exists(last) || !exists(path)) return;
  if (limits.maxFiles > 1) await compressLog(last);
  else await gate.run(() => rm(last, { force: true }));
}
