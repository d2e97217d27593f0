import { readFileSync } from 'node:fs';
import { readText } from '../../cgroups/files.ts';
import type { ContainerStats } from '../../api/system.ts';

const NANOSECONDS_PER_TICK = 10_000_000;

export type NetworkCounters = NonNullable<ContainerStats['networks']>[string];

/** Interfaces that networks give containers; what a container makes for itself is not counted, as in Docker. */
const OWN_INTERFACE = /^eth\d+$/;

/** /proc/PID/net/dev: two heading lines, then "eth0: " and 16 counters. */
export function parseNetDev(text: string): Record<string, NetworkCounters> {
  const result: Record<string, NetworkCounters> = {};
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).trim();
    if (!OWN_INTERFACE.test(name)) continue;
    const value = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    result[name] = {
      rx_bytes: value[0] ?? 0,
      rx_packets: value[1] ?? 0,
      rx_errors: value[2] ?? 0,
      rx_dropped: value[3] ?? 0,
      tx_bytes: value[8] ?? 0,
      tx_packets: value[9] ?? 0,
      tx_errors: value[10] ?? 0,
      tx_dropped: value[11] ?? 0,
    };
  }
  return result;
}

/** The counters of the network namespace that the process is in; undefined when it has gone. */
export function readNetworks(pid: number): Record<string, NetworkCounters> | undefined {
  if (pid <= 0) return undefined;
  let text: string | undefined;
  try {
    text = readText(`/proc/${pid}/net/dev`);
  } catch {
    // EINVAL: the process is ending and has left its network namespace
    return undefined;
  }
  return text === undefined ? undefined : parseNetDev(text);
}

export interface MachineCpu {
  /** nanoseconds that all CPUs together have spent, idle or not */
  total: number;
  online: number;
}

/** /proc/stat's first line, as dockerd adds it up: user, nice, system, idle, iowait, irq, softirq. */
export function parseMachineCpu(text: string): MachineCpu {
  let total = 0;
  let online = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith('cpu')) break;
    if (line[3] !== ' ') online++;
    else
      total = line
        .slice(4)
        .trim()
        .split(' ')
        .slice(0, 7)
        .reduce((sum, ticks) => sum + Number(ticks), 0);
  }
  return { total: total * NANOSECONDS_PER_TICK, online };
}

export const readMachineCpu = (): MachineCpu => parseMachineCpu(readText('/proc/stat') ?? '');

/** Bytes of memory this machine has. */
export function readMachineMemory(): number {
  const match = /^MemTotal:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}
