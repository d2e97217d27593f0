import { readFileSync } from 'node:fs';
import type { ProcessName } from '../../api/berth.ts';

const LONGEST = 512;

/** Undefined when the process has gone. Arguments are told apart by spaces, as ps does it. */
export function processName(pid: number): ProcessName | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').replaceAll('\0', ' ');
    const command = line || `[${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()}]`;
    return { pid, command: command.length > LONGEST ? `${command.slice(0, LONGEST)}…` : command };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** The first `most` of them that still run. */
export function nameProcesses(pids: readonly number[], most: number): ProcessName[] {
  const named: ProcessName[] = [];
  for (const pid of pids) {
    if (named.length >= most) break;
    const found = processName(pid);
    if (found) named.push(found);
  }
  return named;
}
