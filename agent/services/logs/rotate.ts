import { rename, rm, stat } from 'node:fs/promises';
import type { Layout } from '../../store/layout.ts';
import type { Clock } from '../../system/clock.ts';
import type { Log } from '../../system/log.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerLookup } from '../containers/types.ts';

const CHECK_INTERVAL = 1_000;

export interface RotationParts {
  containers: ContainerLookup;
  layout: Layout;
  clock: Clock;
  log: Log;
  /** Asks the container's conmon to open its log anew; throws ENXIO when conmon is gone. */
  reopenLog: (bundle: string) => Promise<void>;
}

export interface LogLimits {
  /** bytes */
  maxSize: number;
  /** files, the one being written included */
  maxFiles: number;
}

const UNITS: Record<string, number> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/** "10m", "512k", "1.5gb", as Docker reads sizes; undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  return match ? Math.floor(Number(match[1]) * (UNITS[(match[2] as string).toLowerCase()] ?? 1)) : undefined;
}

/** From the options `max-size` and `max-file`; undefined when the log may grow as it likes. */
export function limitsOf({ hostConfig }: Pick<ContainerRecord, 'hostConfig'>): LogLimits | undefined {
  const options = hostConfig.LogConfig?.Config;
  const maxSize = parseSize(options?.['max-size'] ?? '');
  if (maxSize === undefined || maxSize <= 0) return undefined;
  const maxFiles = Number(options?.['max-file'] ?? 1);
  return { maxSize, maxFiles: Number.isInteger(maxFiles) && maxFiles > 0 ? maxFiles : 1 };
}

/**
 * Rotates a log that has outgrown its limit; true when it did. conmon goes on writing to the renamed file until it has opened the new
 * one, so no line is lost, and the file that is being left is kept until then even when it is more than may stay.
 */
export async function rotateIfNeeded(
  parts: Pick<RotationParts, 'layout' | 'reopenLog'>,
  id: string,
  limits: LogLimits,
): Promise<boolean> {
  const path = parts.layout.containerLog(id);
  const size = (await statMaybe(path))?.size ?? 0;
  if (size < limits.maxSize) return false;
  let highest = 0;
  while ((await statMaybe(`${path}.${highest + 1}`)) !== undefined) highest++;
  for (let number = highest; number >= 1; number--) {
    if (number + 1 >= limits.maxFiles) await rm(`${path}.${number}`, { force: true });
    else await rename(`${path}.${number}`, `${path}.${number + 1}`);
  }
  await rename(path, `${path}.1`);
  try {
    await parts.reopenLog(parts.layout.bundle(id));
  } catch (error) {
    // No conmon to make a new file: the old one stays the log.
    if ((await statMaybe(path)) === undefined) await rename(`${path}.1`, path);
    throw error;
  }
  return true;
}

async function statMaybe(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** With `max-file` 1 the file that was left goes as well, once conmon has opened the new one. */
async function dropSurplus(path: string, limits: LogLimits): Promise<void> {
  if (limits.maxFiles > 1 || (await statMaybe(path)) === undefined) return;
  await rm(`${path}.1`, { force: true });
}

/**
 * Keeps the logs of running containers within their limits. Only those with a limit are looked at, one stat(2) each a second; with
 * none there is no timer. Gives the way to stop.
 */
export function startLogRotation(parts: RotationParts): () => void {
  const limited = new Map<string, LogLimits>();
  let cancel: (() => void) | undefined;
  let stopped = false;
  const check = async () => {
    for (const [id, limits] of limited) {
      try {
        await dropSurplus(parts.layout.containerLog(id), limits);
        await rotateIfNeeded(parts, id, limits);
      } catch (error) {
        // The container has just ended, or cannot be told to reopen; the next round tries again.
        if ((error as NodeJS.ErrnoException).code !== 'ENXIO' && (error as NodeJS.ErrnoException).code !== 'ENOENT')
          parts.log.error(`rotating the log of container ${id}`, error);
      }
    }
    schedule();
  };
  const schedule = () => {
    cancel = limited.size > 0 && !stopped ? parts.clock.setTimeout(() => void check(), CHECK_INTERVAL) : undefined;
  };
  const changed = (record: ContainerRecord) => {
    const limits = record.state.Running ? limitsOf(record) : undefined;
    if (limits) limited.set(record.id, limits);
    else limited.delete(record.id);
    if (cancel === undefined) schedule();
  };
  const unsubscribe = parts.containers.onChange(changed);
  for (const record of parts.containers.all()) changed(record);
  return () => {
    stopped = true;
    unsubscribe();
    cancel?.();
  };
}
