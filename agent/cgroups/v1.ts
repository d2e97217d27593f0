import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemError } from '../api/errors.ts';
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
import { limitsV1 } from './limits.ts';
import { OpenFiles, flatValue, type CgroupMeter, type MeteredCgroups } from './meter.ts';
import type { CgroupMounts } from './mounts.ts';
import type { BlkioCounter, CgroupUsage } from './types.ts';
import { updateV1 } from './v1-update.ts';

/** USER_HZ: what cpuacct.stat counts in, 100 on every architecture Linux has for containers. */
const NANOSECONDS_PER_TICK = 10_000_000;
const FREEZE_PATIENCE = 2_000;

/** cgroup v1: a hierarchy per controller (Documentation/admin-guide/cgroup-v1/). */
export function createCgroupV1(mounts: CgroupMounts): MeteredCgroups {
  const directory = (controller: string, path: string) => {
    const mountPoint = mounts.v1.get(controller);
    return mountPoint === undefined ? undefined : groupDirectory(mountPoint, path);
  };
  const hierarchies = [
    ...new Set([...mounts.v1.values(), ...mounts.named.values(), ...(mounts.v2 ? [mounts.v2] : [])]),
  ];
  /** Any hierarchy that has the group tells its processes; the runtime enters all. */
  const memberDirectories = (path: string) =>
    ['pids', 'memory', 'freezer', 'devices', 'cpu'].flatMap((name) => directory(name, path) ?? []);
  const freezer = (path: string) => {
    const found = directory('freezer', path);
    if (found === undefined) throw systemError('this kernel has no freezer controller: processes cannot be paused');
    return join(found, 'freezer.state');
  };

  return {
    version: 1,
    controllers: new Set(mounts.v1.keys()),
    read: (path) => Promise.resolve(readUsage((controller) => directory(controller, path))),
    update: async (path, limits) => updateV1((controller) => directory(controller, path), limits),
    processes: async (path) => {
      for (const candidate of memberDirectories(path)) {
        const pids = collectProcesses(candidate);
        if (pids.size > 0) return [...pids];
      }
      return [];
    },
    freeze: async (path) => freeze(freezer(path)),
    thaw: async (path) => writeValue(freezer(path), 'THAWED'),
    isFrozen: async (path) => {
      const found = directory('freezer', path);
      return found !== undefined && readText(join(found, 'freezer.state'))?.trim() === 'FROZEN';
    },
    remove: async (path) => {
      if (groupDirectory('/', path) === '/') throw new Error('the root control group cannot be removed');
      for (const mountPoint of hierarchies) await removeTree(groupDirectory(mountPoint, path));
    },
    oomKills: async (path) => {
      const found = directory('memory', path);
      return found === undefined ? 0 : (readFlat(join(found, 'memory.oom_control'))['oom_kill'] ?? 0);
    },
    files: async (path) => {
      const result: Record<string, string> = {};
      const done = new Set<string>();
      for (const [controller, mountPoint] of mounts.v1) {
        if (done.has(mountPoint)) continue;
        done.add(mountPoint);
        const together = [...mounts.v1].filter(([, other]) => other === mountPoint).map(([name]) => name);
        readAll(groupDirectory(mountPoint, path), `${together.length > 1 ? together.join(',') : controller}/`, result);
      }
      return result;
    },
    meter: (path) => createMeter((controller) => directory(controller, path)),
    limits: (path) =>
      limitsV1(
        (controller, file) => {
          const found = directory(controller, path);
          return found === undefined ? undefined : readText(join(found, file));
        },
        readText(join(directory('cpuset', '/') ?? '', 'cpuset.cpus')),
      ),
    children: (path) => subgroups(memberDirectories(path)[0] ?? ''),
    unified: (path) => (mounts.v2 === undefined ? undefined : groupDirectory(mounts.v2, path)),
  };
}

type Directories = (controller: string) => string | undefined;

function readUsage(directory: Directories): CgroupUsage {
  const usage: CgroupUsage = {};
  const cpuacct = directory('cpuacct');
  const total = cpuacct === undefined ? undefined : readNumber(join(cpuacct, 'cpuacct.usage'));
  if (cpuacct !== undefined && total !== undefined) {
    const ticks = readFlat(join(cpuacct, 'cpuacct.stat'));
    const cpu = directory('cpu');
    const stat = cpu === undefined ? {} : readFlat(join(cpu, 'cpu.stat'));
    usage.cpu = {
      total,
      user: (ticks['user'] ?? 0) * NANOSECONDS_PER_TICK,
      system: (ticks['system'] ?? 0) * NANOSECONDS_PER_TICK,
      perCpu: (readText(join(cpuacct, 'cpuacct.usage_percpu')) ?? '').trim().split(' ').filter(Boolean).map(Number),
      periods: stat['nr_periods'] ?? 0,
      throttledPeriods: stat['nr_throttled'] ?? 0,
      throttledTime: stat['throttled_time'] ?? 0,
    };
  }
  const memory = readMemory(directory('memory'));
  if (memory) usage.memory = memory;
  const pids = directory('pids');
  const current = pids === undefined ? undefined : readNumber(join(pids, 'pids.current'));
  if (pids !== undefined && current !== undefined)
    usage.pids = { current, limit: readNumber(join(pids, 'pids.max')) ?? Infinity };
  const blkio = readBlkio(directory('blkio'));
  if (blkio) Object.assign(usage, blkio);
  return usage;
}

function readMemory(directory: string | undefined): CgroupUsage['memory'] {
  if (directory === undefined) return undefined;
  const usage = readNumber(join(directory, 'memory.usage_in_bytes'));
  if (usage === undefined) return undefined;
  const withSwap = readNumber(join(directory, 'memory.memsw.usage_in_bytes'));
  const maxUsage = readNumber(join(directory, 'memory.max_usage_in_bytes'));
  return {
    usage,
    ...(maxUsage === undefined ? {} : { maxUsage }),
    limit: readNumber(join(directory, 'memory.limit_in_bytes')) ?? Infinity,
    ...(withSwap === undefined ? {} : { swap: Math.max(0, withSwap - usage) }),
    failures: readNumber(join(directory, 'memory.failcnt')) ?? 0,
    oomKills: readFlat(join(directory, 'memory.oom_control'))['oom_kill'] ?? 0,
    stat: readFlat(join(directory, 'memory.stat')),
  };
}

/** "254:0 Read 4096" lines; the last, "Total 4096", has no device. */
export function parseBlkio(text: string): BlkioCounter[] {
  const result: BlkioCounter[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (match)
      result.push({
        major: Number(match[1]),
        minor: Number(match[2]),
        op: match[3] as string,
        value: Number(match[4]),
      });
  }
  return result;
}

function readBlkio(directory: string | undefined): Pick<CgroupUsage, 'io' | 'blkio'> | undefined {
  if (directory === undefined) return undefined;
  const text = (name: string) =>
    readText(join(directory, `blkio.throttle.${name}_recursive`)) ??
    readText(join(directory, `blkio.throttle.${name}`));
  const bytesText = text('io_service_bytes');
  if (bytesText === undefined) return undefined;
  const bytes = parseBlkio(bytesText);
  const serviced = parseBlkio(text('io_serviced') ?? '');
  const devices = new Map<string, NonNullable<CgroupUsage['io']>[number]>();
  const deviceOf = (entry: BlkioCounter) => {
    const key = `${entry.major}:${entry.minor}`;
    const known = devices.get(key) ?? {
      major: entry.major,
      minor: entry.minor,
      readBytes: 0,
      writeBytes: 0,
      readOps: 0,
      writeOps: 0,
    };
    devices.set(key, known);
    return known;
  };
  for (const entry of bytes) {
    if (entry.op === 'Read') deviceOf(entry).readBytes = entry.value;
    else if (entry.op === 'Write') deviceOf(entry).writeBytes = entry.value;
  }
  for (const entry of serviced) {
    if (entry.op === 'Read') deviceOf(entry).readOps = entry.value;
    else if (entry.op === 'Write') deviceOf(entry).writeOps = entry.value;
  }
  return { io: [...devices.values()], blkio: { bytes, serviced } };
}

/** FREEZING lasts until the last task has stopped; writing again catches those forked meanwhile. */
async function freeze(file: string): Promise<void> {
  const deadline = Date.now() + FREEZE_PATIENCE;
  for (let wait = 1; ; wait = Math.min(wait * 2, 20)) {
    writeValue(file, 'FROZEN');
    if (readText(file)?.trim() === 'FROZEN') return;
    if (Date.now() > deadline) {
      writeValue(file, 'THAWED');
      throw systemError('unable to freeze: the processes did not stop in time');
    }
    await sleep(wait);
  }
}

function createMeter(directory: Directories): CgroupMeter {
  const files = new OpenFiles();
  const path = (controller: string, file: string) => {
    const found = directory(controller);
    return found === undefined ? undefined : join(found, file);
  };
  const names = {
    cpu: path('cpuacct', 'cpuacct.usage'),
    throttle: path('cpu', 'cpu.stat'),
    memory: path('memory', 'memory.usage_in_bytes'),
    memoryStat: path('memory', 'memory.stat'),
    pids: path('pids', 'pids.current'),
    io: path('blkio', 'blkio.throttle.io_service_bytes_recursive'),
  };
  const text = (name: string | undefined) => (name === undefined ? undefined : files.text(name));
  return {
    read() {
      const memory = text(names.memory);
      const cpu = text(names.cpu);
      if (memory === undefined && cpu === undefined) return undefined;
      const throttle = text(names.throttle);
      const stat = text(names.memoryStat);
      let readBytes = 0;
      let writeBytes = 0;
      const io = text(names.io);
      // A group that has done no I/O has one short line: no need to parse it.
      if (io !== undefined && io.length > 10)
        for (const entry of parseBlkio(io)) {
          if (entry.op === 'Read') readBytes += entry.value;
          else if (entry.op === 'Write') writeBytes += entry.value;
        }
      return {
        cpu: Number(cpu ?? 0),
        periods: flatValue(throttle, 'nr_periods'),
        throttledPeriods: flatValue(throttle, 'nr_throttled'),
        memory: Math.max(0, Number(memory ?? 0) - flatValue(stat, 'total_inactive_file')),
        // of this group and all above it
        memoryLimit: stat === undefined ? Infinity : parseLimit(String(flatValue(stat, 'hierarchical_memory_limit'))),
        pids: Number(text(names.pids) ?? 0),
        readBytes,
        writeBytes,
      };
    },
    close: () => files.close(),
  };
}
