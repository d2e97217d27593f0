import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { totalmem, release } from 'node:os';
import { dirname, join } from 'node:path';
import type { CgroupDriver } from '../../cgroups/types.ts';
import type { KernelFacts } from '../types.ts';
import { CAPABILITY_NAMES } from './capabilities.ts';
import { parseIdList } from './id-list.ts';

/** Reads once what this kernel, and this process in it, can give to containers. */
export async function readKernelFacts(cgroups: CgroupDriver): Promise<KernelFacts> {
  const [status, limits, cpuList, memList, files] = await Promise.all([
    read('/proc/self/status'),
    read('/proc/self/limits'),
    read('/sys/devices/system/cpu/online'),
    read('/sys/devices/system/node/online'),
    controllerFiles(cgroups.version),
  ]);
  const hardLimits = parseHardLimits(limits);
  const allowed = parseIdList(field(status, 'Cpus_allowed_list'))?.size ?? 0;
  const cpus = parseIdList(cpuList.trim())?.size ?? 1;
  return {
    cgroupVersion: cgroups.version,
    controllers: cgroups.controllers,
    swapLimit: files.has(cgroups.version === 1 ? 'memory.memsw.limit_in_bytes' : 'memory.swap.max'),
    cpus: allowed > 0 ? Math.min(allowed, cpus) : cpus,
    cpuList: cpuList.trim() || '0',
    memList: memList.trim() || '0',
    memory: totalmem(),
    seccomp: field(status, 'Seccomp') !== '',
    apparmor:
      (await read('/sys/module/apparmor/parameters/enabled')).startsWith('Y') &&
      existsSync('/sys/kernel/security/apparmor'),
    capabilities: parseCapabilities(field(status, 'CapBnd')),
    maxNofile: hardLimits['nofile'] ?? Number.MAX_SAFE_INTEGER,
    kernelVersion: release(),
    memorySwappiness: files.has('memory.swappiness'),
    oomKillDisable: files.has('memory.oom_control'),
    blkioWeight: ['blkio.weight', 'blkio.bfq.weight', 'io.weight', 'io.bfq.weight'].some((name) => files.has(name)),
    blkioThrottle: ['blkio.throttle.read_bps_device', 'io.max'].some((name) => files.has(name)),
    cpuRealtime: files.has('cpu.rt_runtime_us'),
    cgroupNamespaces: existsSync('/proc/self/ns/cgroup'),
    userNamespaces:
      existsSync('/proc/self/ns/user') && (await read('/proc/sys/user/max_user_namespaces')).trim() !== '0',
    hardLimits,
    maxOpenFiles: Number((await read('/proc/sys/fs/nr_open')).trim()) || undefined,
    oomScoreAdj: Number((await read('/proc/self/oom_score_adj')).trim()) || 0,
  };
}

const read = (path: string) => readFile(path, 'utf8').catch(() => '');
const field = (text: string, name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';

/** A mask as /proc/PID/status shows it: hexadecimal. */
export function parseCapabilities(mask: string): Set<string> {
  const bits = /^[0-9a-f]+$/i.test(mask) ? BigInt(`0x${mask}`) : 0n;
  return new Set(CAPABILITY_NAMES.filter((_name, index) => (bits >> BigInt(index)) & 1n));
}

/** Lines of /proc/PID/limits, by the name `ulimit` has for them. */
const LIMIT_NAMES: Readonly<Record<string, string>> = {
  'Max cpu time': 'cpu',
  'Max file size': 'fsize',
  'Max data size': 'data',
  'Max stack size': 'stack',
  'Max core file size': 'core',
  'Max resident set': 'rss',
  'Max processes': 'nproc',
  'Max open files': 'nofile',
  'Max locked memory': 'memlock',
  'Max file locks': 'locks',
  'Max pending signals': 'sigpending',
  'Max msgqueue size': 'msgqueue',
  'Max nice priority': 'nice',
  'Max realtime priority': 'rtprio',
  'Max realtime timeout': 'rttime',
};

/** Hard limits that are not "unlimited". */
export function parseHardLimits(text: string): Record<string, number> {
  const out: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const match = /^(Max [a-z ]*?[a-z])\s{2,}(\S+)\s+(\S+)/.exec(line);
    const name = match && LIMIT_NAMES[match[1] as string];
    if (match && name && match[3] !== 'unlimited') out[name] = Number(match[3]);
  }
  return out;
}

/** The control files a container's group would have: what the limits stand or fall with. */
async function controllerFiles(version: 1 | 2): Promise<Set<string>> {
  const mounts = (await read('/proc/mounts')).split('\n').map((line) => line.split(' '));
  const names = new Set<string>();
  const collect = async (directory: string) => {
    for (const name of await readdir(directory).catch(() => [])) names.add(name);
  };
  if (version === 1) {
    for (const [, directory, type] of mounts) if (type === 'cgroup' && directory) await collect(directory);
    return names;
  }
  const root = mounts.find(([, , type]) => type === 'cgroup2')?.[1] ?? '/sys/fs/cgroup';
  await collect(root);
  // The root group has no limits of its own; any group below it shows what there is.
  const own = (await read('/proc/self/cgroup')).match(/^0::(.*)$/m)?.[1] ?? '/';
  for (let path = own; path !== '/' && path !== '.'; path = dirname(path)) await collect(join(root, path));
  const children = await readdir(root, { withFileTypes: true }).catch(() => []);
  for (const child of children.filter((entry) => entry.isDirectory()).slice(0, 16))
    await collect(join(root, child.name));
  if (!names.has('cgroup.type')) await probe(root, collect);
  return names;
}

/** No group below the root yet, as after the start of a machine that has nothing but an engine: one is made to look at, and removed. */
async function probe(root: string, collect: (directory: string) => Promise<void>): Promise<void> {
  const directory = join(root, `berth-probe-${process.pid}`);
  try {
    // what the runtime does for a container's group; one by one, since a controller that refuses would refuse all
    for (const controller of (await read(join(root, 'cgroup.controllers'))).split(/\s+/).filter(Boolean))
      await writeFile(join(root, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
    await mkdir(directory);
    await collect(directory);
    await rmdir(directory);
  } catch {
    // not ours to make: what is not seen is taken as not there
  }
}
