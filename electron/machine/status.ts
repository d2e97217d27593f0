import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { ask } from './control.ts';
import type { MachinePaths } from './paths.ts';
import { STEPS, type MachineStatus } from '../contract/machine.ts';

/**
 * Replaced whole: who reads it sees all of one moment. Where this host has no room, it is written over the old one, whose room it has; when
 * that fails, too, the old one stays: the machine goes on, and its holder tells who asks.
 */
export function writeStatus(paths: MachinePaths, status: MachineStatus): void {
  const temporary = `${paths.status}.${process.pid}`;
  const text = JSON.stringify(status, undefined, 2);
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, paths.status);
  } catch {
    rmSync(temporary, { force: true });
    writeOver(paths.status, text);
  }
}

function writeOver(path: string, text: string): void {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r+');
    writeSync(fd, text, 0);
    ftruncateSync(fd, Buffer.byteLength(text));
  } catch {
    // nothing more can be done, and the machine does not end for it
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** What was last told; `stopped` when nothing was. */
export function readStatus(paths: MachinePaths): MachineStatus {
  try {
    return JSON.parse(readFileSync(paths.status, 'utf8')) as MachineStatus;
  } catch {
    const steps = STEPS.map((step) => ({ step }));
    return { state: 'stopped', socket: paths.socket, steps, warnings: [], console: paths.console };
  }
}

/** What is true now: a process that told it ran and answers no more has ended without saying so. */
export async function currentStatus(paths: MachinePaths): Promise<MachineStatus> {
  const status = readStatus(paths);
  if (status.state === 'stopped' || status.state === 'failed') return status;
  if ((await ask(paths.control, { verb: 'ping' })) !== undefined) return readStatus(paths);
  const after = readStatus(paths); // it may have ended in order meanwhile
  if (after.state === 'stopped' || after.state === 'failed') return after;
  return { ...after, state: 'stopped', error: 'the process that held the machine was killed' };
}
