import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Standstill } from '../contract/machine.ts';
import { pause } from '../host/signals.ts';
import { MachineError, type MachineProcess } from './types.ts';

/** Milliseconds between looks. */
const BEAT = 1_000;
/** Bytes that must be free before it goes on: with less it would stop again at once. */
const ROOM = 32 * 2 ** 20;

const mebibytes = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;

/** What the user is told, and can do. `data` is the data disk's file. */
export function standstillOf(cause: 'no-room' | 'io-error', data: string, free: number): Standstill {
  if (cause === 'no-room')
    return {
      why: `The disk of this computer is full (${mebibytes(free)} are free where ${data} is): the machine stands still. Nothing is lost, and requests wait.`,
      hint: `Free some room on that disk (${mebibytes(ROOM)} or more): the machine goes on by itself.`,
    };
  return {
    why: `This computer cannot write the machine’s disk, ${data}: the machine stands still. Nothing is lost so far.`,
    hint: 'Look whether that disk is connected and sound: the machine tries again, and goes on by itself when it can.',
  };
}

/** A start that this host had no room for says so; any other failure is as it was. */
export function withoutRoom(error: unknown, folder: string): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') return error;
  return new MachineError(
    `the disk of this computer is full: ${(error as Error).message}`,
    `free some room on the disk that ${folder} is on`,
    'process',
  );
}

export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(dirname(path));
  return bavail * bsize;
}

/** 0 where that cannot be told: a disk that is gone. */
function tried(free: () => number): number {
  try {
    return free();
  } catch {
    return 0;
  }
}

/**
 * QEMU stops the guest when this host has no room for a write of it, and repeats that write when it is told to go on. Tells while it
 * stands still, has it go on when there is room, and then says so by `wentOn`. Asks nothing of the guest, which would not answer.
 */
export async function watchStandstill(
  process: Pick<MachineProcess, 'standstill' | 'resume'>,
  data: string,
  tell: (standstill: Standstill | undefined) => void,
  wentOn: () => Promise<unknown>,
  signal: AbortSignal,
  { beat = BEAT, free = () => freeBytes(data) }: { beat?: number; free?: () => number } = {},
): Promise<void> {
  for (let told = false; !signal.aborted; await pause(beat, signal)) {
    const cause = await process.standstill().catch(() => undefined);
    if (signal.aborted) return;
    if (cause === undefined) {
      if (!told) continue;
      told = false;
      tell(undefined);
      await wentOn().catch(() => undefined);
      continue;
    }
    const left = tried(free);
    tell(standstillOf(cause, data, left));
    told = true;
    if (cause === 'io-error' || left >= ROOM) await process.resume().catch(() => undefined);
  }
}
