/** What only Berth's engine serves, under /berth/v1. All sizes in bytes, times in milliseconds since the epoch. */

/** GET /berth/v1/system */
export interface BerthSystem {
  version: string;
  pid: number;
  cgroupVersion: 1 | 2;
  controllers: string[];
  runtime: { name: string; version: string; path: string };
  rootless: boolean;
  root: string;
  /** what was found wrong at start, in words for the user */
  warnings: string[];
}

/** One sample of a container's use. Rates are over the time since the sample before. */
export interface UsageSample {
  time: number;
  /** percent of one CPU: 200 is two CPUs in full use */
  cpuPercent: number;
  memory: number;
  /** the limit in force; the machine's memory when there is none */
  memoryLimit: number;
  rxRate: number;
  txRate: number;
  readRate: number;
  writeRate: number;
  pids: number;
  throttledPercent: number;
}

/** GET /berth/v1/containers/{id}/history: the last ten minutes, oldest first. */
export interface UsageHistory {
  id: string;
  /** milliseconds between samples */
  interval: number;
  samples: UsageSample[];
}

/** GET /berth/v1/usage (a stream, one object a line, one a second): all running containers. */
export interface UsageTick {
  time: number;
  containers: Record<string, UsageSample>;
}

export interface NamespaceInfo {
  type: 'cgroup' | 'ipc' | 'mnt' | 'net' | 'pid' | 'user' | 'uts' | 'time';
  inode: number;
  /** the same namespace as the engine's own */
  host: boolean;
  /** ids of other containers in the same namespace */
  sharedWith: string[];
}

/** GET /berth/v1/containers/{id}/isolation */
export interface Isolation {
  id: string;
  pid: number;
  namespaces: NamespaceInfo[];
  cgroup: { version: 1 | 2; path: string; files: Record<string, string> };
  capabilities: { effective: string[]; bounding: string[] };
  seccomp: 'disabled' | 'strict' | 'filter';
  noNewPrivileges: boolean;
  uidMap: string;
}

/** GET /berth/v1/containers/{id}/pressure; null where the kernel does not tell. */
export interface Pressure {
  cpu: PressureLine | null;
  memory: PressureLine | null;
  io: PressureLine | null;
}
export interface PressureLine {
  someAvg10: number;
  someAvg60: number;
  fullAvg10: number;
  fullAvg60: number;
}

/** GET /berth/v1/cgroups: the engine's part of the tree. */
export interface CgroupNode {
  name: string;
  path: string;
  /** set when the group is a container's */
  containerId?: string;
  memory: number;
  pids: number;
  cpuPercent: number;
  /** when its counters were read, and these, since the group was made: nanoseconds of CPU time, bytes */
  time: number;
  cpuTime: number;
  readBytes: number;
  writeBytes: number;
  /** in force on the group itself; null: no limit of its own */
  limits: { memory: number | null; cpus: number | null; pids: number | null; cpuset: string | null };
  children: CgroupNode[];
}

export interface ProcessName {
  pid: number;
  /** as it was called, or its name in brackets when it says nothing */
  command: string;
}

/** GET /berth/v1/cgroup?path=/berth/ID: one group of that tree, whole. */
export interface CgroupDetail {
  path: string;
  /** in it and in those below it, by pid; no more than 256 of them are named */
  processes: ProcessName[];
  processCount: number;
  files: Record<string, string>;
}

export type NamespaceInodes = Partial<Record<NamespaceInfo['type'], number>>;

/** GET /berth/v1/namespaces: the processes of all running containers, those in the same namespaces together. */
export interface NamespaceMap {
  /** the engine's own */
  host: NamespaceInodes;
  members: NamespaceMember[];
}
export interface NamespaceMember {
  containerId: string;
  /** the container's first process is one of them */
  main: boolean;
  namespaces: NamespaceInodes;
  /** by pid; no more than 64 of them are named */
  processes: ProcessName[];
  processCount: number;
}

/**
 * GET /berth/v1/host-ports (a stream, one object a line): for who holds the guest that this engine runs in. A published port is to be
 * opened on the user's machine, and the container's start waits for the answer; or the port of an earlier `ask` is not needed any more.
 */
export type HostPortMessage =
  | { ask: number; container: string; name: string; protocol: 'tcp' | 'udp'; hostIp: string; hostPort: number }
  | { release: number };

/** POST /berth/v1/host-ports/{ask} */
export interface HostPortAnswer {
  /** why it cannot be opened, in words that follow a colon; not there: it is open */
  refused?: string;
}
