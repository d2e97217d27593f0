import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { invalid, systemError } from '../api/errors.ts';
import {
  collectProcesses,
  groupDirectory,
  parseLimit,
  readAll,
  readFlat,
  readNumber,
  readText,
  removeTree,
  subgroups,
  writeValue,
} from './files.ts';
import { limitsV2 } from './limits.ts';
import { OpenFiles, flatValue, type CgroupMeter, type MeteredCgroups } from './meter.ts';
import type { CgroupLimits, CgroupUsage } from './types.ts';

const FREEZE_PATIENCE = 2_000;

/** cgroup v2: one hierarchy (Documentation/admin-guide/cgroup-v2.rst). `root` is its mount point. */
export function createCgroupV2(root: string): MeteredCgroups {
  const directory = (path: string) => groupDirectory(root, path);
  const controllers = new Set((readText(join(root, 'cgroup.controllers')) ?? '').split(/\s+/).filter(Boolean));
  return {
    version: 2,
    controllers,
    read: (path) => Promise.resolve(readUsage(directory(path))),
    update: async (path, limits) => update(directory(path), limits),
    processes: async (path) => [...collectProcesses(directory(path))],
    freeze: async (path) => freeze(directory(path)),
    thaw: async (path) => writeValue(join(directory(path), 'cgroup.freeze'), 0),
    isFrozen: async (path) => readFlat(join(directory(path), 'cgroup.events'))['frozen'] === 1,
    remove: async (path) => {
      if (directory(path) === directory('/')) throw new Error('the root control group cannot be removed');
      await removeTree(directory(path));
    },
    oomKills: async (path) => readFlat(join(directory(path), 'memory.events'))['oom_kill'] ?? 0,
    files: async (path) => {
      const result: Record<string, string> = {};
      readAll(directory(path), '', result);
      return result;
    },
    meter: (path) => createMeter(directory(path)),
    limits: (path) => limitsV2((file) => readText(join(directory(path), file))),
    children: (path) => subgroups(directory(path)),
    unified: directory,
  };
}

function readUsage(directory: string): CgroupUsage {
  const usage: CgroupUsage = {};
  const cpu = readFlat(join(directory, 'cpu.stat'));
  if (cpu['usage_usec'] !== undefined)
    usage.cpu = {
      total: cpu['usage_usec'] * 1000,
      user: (cpu['user_usec'] ?? 0) * 1000,
      system: (cpu['system_usec'] ?? 0) * 1000,
      periods: cpu['nr_periods'] ?? 0,
      throttledPeriods: cpu['nr_throttled'] ?? 0,
      throttledTime: (cpu['throttled_usec'] ?? 0) * 1000,
    };
  const current = readNumber(join(directory, 'memory.current'));
  if (current !== undefined) {
    const events = readFlat(join(directory, 'memory.events'));
    const peak = readNumber(join(directory, 'memory.peak'));
    const swap = readNumber(join(directory, 'memory.swap.current'));
    usage.memory = {
      usage: current,
      ...(peak === undefined ? {} : { maxUsage: peak }),
      limit: readNumber(join(directory, 'memory.max')) ?? Infinity,
      ...(swap === undefined ? {} : { swap }),
      // What Docker reports as failcnt on v2.
      failures: events['oom'] ?? 0,
      oomKills: events['oom_kill'] ?? 0,
      stat: readFlat(join(directory, 'memory.stat')),
    };
  }
  const pids = readNumber(join(directory, 'pids.current'));
  if (pids !== undefined) usage.pids = { current: pids, limit: readNumber(join(directory, 'pids.max')) ?? Infinity };
  const io = readText(join(directory, 'io.stat'));
  if (io !== undefined) usage.io = parseIoStat(io);
  return usage;
}

/** "254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0"; a device that never served the group has no values. */
export function parseIoStat(text: string): NonNullable<CgroupUsage['io']> {
  const result: NonNullable<CgroupUsage['io']> = [];
  for (const line of text.split('\n')) {
    const match = /^(\d+):(\d+) (.+)$/.exec(line);
    if (!match) continue;
    const values: Record<string, number> = {};
    for (const pair of (match[3] as string).split(' ')) {
      const at = pair.indexOf('=');
      if (at > 0) values[pair.slice(0, at)] = Number(pair.slice(at + 1));
    }
    if (values['rbytes'] === undefined) continue;
    result.push({
      major: Number(match[1]),
      minor: Number(match[2]),
      readBytes: values['rbytes'],
      writeBytes: values['wbytes'] ?? 0,
      readOps: values['rios'] ?? 0,
      writeOps: values['wios'] ?? 0,
    });
  }
  return result;
}

const orMax = (value: number) => (value < 0 || value === Infinity ? 'max' : Math.trunc(value));

const IO_MAX_KEYS = { read_bps: 'rbps', write_bps: 'wbps', read_iops: 'riops', write_iops: 'wiops' } as const;

function update(directory: string, limits: CgroupLimits): void {
  const set = (name: string, value: string | number) => writeValue(join(directory, name), value);
  if (limits.memory !== undefined || limits.memorySwap !== undefined) {
    const memory = limits.memory ?? readNumber(join(directory, 'memory.max')) ?? Infinity;
    const swap = swapOf(memory, limits.memorySwap, limits.memory !== undefined);
    // Swap first: a lower memory.max may need swap to go to.
    if (swap !== undefined && existsSync(join(directory, 'memory.swap.max'))) set('memory.swap.max', orMax(swap));
    if (limits.memory !== undefined) set('memory.max', orMax(memory));
  }
  if (limits.memoryReservation !== undefined) set('memory.low', orMax(limits.memoryReservation));
  if (limits.cpuShares !== undefined) set('cpu.weight', weightOfShares(limits.cpuShares));
  if (limits.cpuQuota !== undefined || limits.cpuPeriod !== undefined) {
    const [quota = 'max', period = '100000'] = (readText(join(directory, 'cpu.max')) ?? '').trim().split(' ');
    const newQuota = limits.cpuQuota === undefined ? quota || 'max' : limits.cpuQuota <= 0 ? 'max' : limits.cpuQuota;
    set('cpu.max', `${newQuota} ${limits.cpuPeriod ?? period}`);
  }
  if (limits.cpusetCpus !== undefined) set('cpuset.cpus', limits.cpusetCpus);
  if (limits.cpusetMems !== undefined) set('cpuset.mems', limits.cpusetMems);
  if (limits.pids !== undefined) set('pids.max', orMax(limits.pids));
  if (limits.blkioWeight !== undefined) setIoWeight(directory, limits.blkioWeight);
  for (const { what, major, minor, rate } of limits.blkioThrottle ?? [])
    set('io.max', `${major}:${minor} ${IO_MAX_KEYS[what]}=${rate === 0 ? 'max' : rate}`);
}

/** v1 and Docker count memory and swap together, v2 swap alone. Undefined: leave. */
function swapOf(memory: number, together: number | undefined, memoryGiven: boolean): number | undefined {
  if (together === undefined) return memoryGiven && memory < 0 ? -1 : undefined;
  if (together < 0) return -1;
  if (memory === Infinity || memory < 0)
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  if (together < memory) throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  return together - memory;
}

/** 2…262144 shares onto a weight of 1…10000, as runc and crun convert. */
export const weightOfShares = (shares: number) =>
  shares === 0 ? 100 : Math.trunc(1 + ((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);

/** BFQ takes Docker's 10…1000 as it is; io.weight has 1…10000. */
function setIoWeight(directory: string, weight: number): void {
  if (existsSync(join(directory, 'io.bfq.weight'))) writeValue(join(directory, 'io.bfq.weight'), weight);
  else if (existsSync(join(directory, 'io.weight')))
    writeValue(join(directory, 'io.weight'), Math.trunc(1 + ((weight - 10) * 9999) / 990));
  else throw invalid('Your kernel does not support Block I/O weight or the cgroup is not mounted.');
}

async function freeze(directory: string): Promise<void> {
  const file = join(directory, 'cgroup.freeze');
  writeValue(file, 1);
  const deadline = Date.now() + FREEZE_PATIENCE;
  for (let wait = 1; readFlat(join(directory, 'cgroup.events'))['frozen'] !== 1; wait = Math.min(wait * 2, 20)) {
    if (Date.now() > deadline) {
      writeValue(file, 0);
      throw systemError('unable to freeze: the processes did not stop in time');
    }
    await sleep(wait);
  }
}

function createMeter(directory: string): CgroupMeter {
  const files = new OpenFiles();
  const text = (name: string) => files.text(join(directory, name));
  return {
    read() {
      const memory = text('memory.current');
      const cpu = text('cpu.stat');
      if (memory === undefined && cpu === undefined) return undefined;
      let readBytes = 0;
      let writeBytes = 0;
      const io = text('io.stat');
      if (io)
        for (const device of parseIoStat(io)) {
          readBytes += device.readBytes;
          writeBytes += device.writeBytes;
        }
      return {
        cpu: flatValue(cpu, 'usage_usec') * 1000,
        periods: flatValue(cpu, 'nr_periods'),
        throttledPeriods: flatValue(cpu, 'nr_throttled'),
        memory: Math.max(0, Number(memory ?? 0) - flatValue(text('memory.stat'), 'inactive_file')),
        memoryLimit: parseLimit(text('memory.max') ?? 'max'),
        pids: Number(text('pids.current') ?? 0),
        readBytes,
        writeBytes,
      };
    },
    close: () => files.close(),
  };
}
