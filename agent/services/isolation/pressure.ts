import { join } from 'node:path';
import type { Pressure, PressureLine } from '../../api/berth.ts';
import { readText } from '../../cgroups/files.ts';

/** "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and the same for "full" (Documentation/accounting/psi.rst). */
export function parsePressure(text: string): PressureLine | null {
  const value = (kind: string, name: string) =>
    Number(new RegExp(`^${kind} .*\\b${name}=([\\d.]+)`, 'm').exec(text)?.[1] ?? 0);
  if (!text.startsWith('some ')) return null;
  return {
    someAvg10: value('some', 'avg10'),
    someAvg60: value('some', 'avg60'),
    fullAvg10: value('full', 'avg10'),
    fullAvg60: value('full', 'avg60'),
  };
}

function read(path: string): PressureLine | null {
  try {
    return parsePressure(readText(path) ?? '');
  } catch {
    // a kernel with psi=0 has the files, and refuses to read them
    return null;
  }
}

/** Pressure of a group in the unified hierarchy. */
export const groupPressure = (directory: string | undefined): Pressure => {
  if (directory === undefined) return { cpu: null, memory: null, io: null };
  return {
    cpu: read(join(directory, 'cpu.pressure')),
    memory: read(join(directory, 'memory.pressure')),
    io: read(join(directory, 'io.pressure')),
  };
};

/** Pressure of the whole machine. */
export const machinePressure = (): Pressure => ({
  cpu: read('/proc/pressure/cpu'),
  memory: read('/proc/pressure/memory'),
  io: read('/proc/pressure/io'),
});
