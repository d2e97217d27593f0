import { closeSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the guest tells on its console; `seconds` since its kernel started. */
export type ConsoleEvent =
  | { kind: 'output' }
  | { kind: 'step'; step: string; seconds: number }
  | { kind: 'hostkey'; key: string }
  | { kind: 'failed'; step: string; why: string }
  | { kind: 'unshared'; tag: string; why: string }
  | { kind: 'panic'; why: string };

export function parseConsoleLine(line: string): ConsoleEvent | undefined {
  const step = /berth: step (\w+) ([\d.]+)/.exec(line);
  if (step) return { kind: 'step', step: step[1] as string, seconds: Number(step[2]) };
  const key = /berth: hostkey ([\w+/=]+)/.exec(line);
  if (key) return { kind: 'hostkey', key: key[1] as string };
  const failed = /berth: failed (\w+): (.+)/.exec(line);
  if (failed) return { kind: 'failed', step: failed[1] as string, why: (failed[2] as string).trim() };
  const unshared = /berth: unshared (\w+): (.+)/.exec(line);
  if (unshared) return { kind: 'unshared', tag: unshared[1] as string, why: (unshared[2] as string).trim() };
  const panic = /Kernel panic - not syncing: (.+)/.exec(line);
  return panic ? { kind: 'panic', why: (panic[1] as string).trim() } : undefined;
}

/** Follows the console's file from its beginning until `signal`; whole lines only. QEMU writes it, nothing tells when. */
export async function followConsole(
  path: string,
  signal: AbortSignal,
  tell: (event: ConsoleEvent) => void,
): Promise<void> {
  const buffer = Buffer.alloc(64 * 1024);
  let fd: number | undefined;
  let offset = 0;
  let rest = '';
  try {
    while (!signal.aborted) {
      fd ??= tryOpen(path);
      const length = fd === undefined ? 0 : readSync(fd, buffer, 0, buffer.length, offset);
      if (length === 0) {
        await sleep(20, undefined, { signal }).catch(() => undefined);
        continue;
      }
      if (offset === 0) tell({ kind: 'output' });
      offset += length;
      const lines = (rest + buffer.toString('latin1', 0, length)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const event = parseConsoleLine(line);
        if (event) tell(event);
      }
    }
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}
