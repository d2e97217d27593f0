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
  children: CgroupNode[];
}
