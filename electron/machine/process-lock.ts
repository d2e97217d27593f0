import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessLock {
  release(): void;
}

const SQLITE_BUSY = 5;

/** Those that this process has: a database that nothing refers to is closed when memory is collected, and its lock with it. */
const held = new Set<DatabaseSync>();

/**
 * What one process at a time may have; it goes with the process, however that ends, so that there is no stale one to take over. Node has
 * no flock(2): SQLite locks a file on every platform, and of an empty database nothing is written. undefined: another process has it.
 */
export function tryLock(path: string): ProcessLock | undefined {
  const database = new DatabaseSync(path);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    // the lowest byte: the rest says what it is busy with
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY) return undefined;
    throw error;
  }
  held.add(database);
  return {
    release() {
      held.delete(database);
      database.close();
    },
  };
}

/** Milliseconds after which a wait is told. */
const LONG = 500;

/** Waits for who has it; `waiting` is told once when that takes long. */
export async function lock(path: string, waiting: () => void = () => undefined): Promise<ProcessLock> {
  let got = tryLock(path);
  const late = setTimeout(waiting, LONG);
  for (; !got; got = tryLock(path)) await sleep(50);
  clearTimeout(late);
  return got;
}

export function isFree(path: string): boolean {
  if (!existsSync(path)) return true;
  const mine = tryLock(path);
  mine?.release();
  return mine !== undefined;
}
