import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/**
 * A process is its pid and its start time: pids are used again. Field 22 of /proc/PID/stat, in clock ticks since boot (proc(5)).
 * Undefined when there is none, or only a zombie, which no longer runs.
 */
export function startTimeOf(pid: number): number | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The command (field 2) is in brackets and may itself contain spaces and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const start = Number(fields[19]);
  return Number.isFinite(start) ? start : undefined;
}

/** True when the very process that was recorded still lives. */
export function isAlive(pid: number, startTime: number): boolean {
  return pid > 0 && startTimeOf(pid) === startTime;
}

/** Sends a signal to the recorded process; false when it is gone. */
export function signalProcess(pid: number, startTime: number, signal: number): boolean {
  if (!isAlive(pid, startTime)) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Clock ticks a second in which /proc counts: 100 on every architecture Linux has containers for. */
const TICKS = 100;

/** Milliseconds since a process with this start time began, on a clock that no change of the time of day moves. */
export const ageOf = (startTime: number): number => Math.max(0, uptime() * 1000 - (startTime * 1000) / TICKS);
