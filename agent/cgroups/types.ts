/** One interface over cgroup v1 (a hierarchy per controller) and v2. Source: Documentation/admin-guide/cgroup-v1/*, cgroup-v2.rst. */

/** Usage of one control group, read straight from cgroupfs. Undefined: the controller is not there. Times in nanoseconds, sizes in bytes. */
export interface CgroupUsage {
  cpu?: {
    total: number;
    user: number;
    system: number;
    /** v1 only */
    perCpu?: number[];
    periods: number;
    throttledPeriods: number;
    throttledTime: number;
  };
  memory?: {
    usage: number;
    /** high-water mark, where the kernel keeps it */
    maxUsage?: number;
    /** Infinity when unlimited */
    limit: number;
    swap?: number;
    failures: number;
    oomKills: number;
    /** memory.stat as it is */
    stat: Record<string, number>;
  };
  pids?: { current: number; limit: number };
  io?: { major: number; minor: number; readBytes: number; writeBytes: number; readOps: number; writeOps: number }[];
  /** v1 only: the counters by operation (Read, Write, Sync, Async, Discard, Total), as Docker hands them on */
  blkio?: { bytes: BlkioCounter[]; serviced: BlkioCounter[] };
}
export interface BlkioCounter {
  major: number;
  minor: number;
  op: string;
  value: number;
}

/** The limits of Docker's `Resources`, in kernel terms. Undefined: leave as it is. -1: no limit. */
export interface CgroupLimits {
  memory?: number;
  memorySwap?: number;
  memoryReservation?: number;
  cpuShares?: number;
  /** microseconds */
  cpuQuota?: number;
  cpuPeriod?: number;
  cpusetCpus?: string;
  cpusetMems?: string;
  pids?: number;
  blkioWeight?: number;
  /** by device; bytes or operations a second, 0 lifts the limit */
  blkioThrottle?: BlkioThrottle[];
}
export interface BlkioThrottle {
  what: 'read_bps' | 'write_bps' | 'read_iops' | 'write_iops';
  major: number;
  minor: number;
  rate: number;
}

export interface CgroupDriver {
  readonly version: 1 | 2;
  /** controllers that the kernel gives: cpu, cpuacct, cpuset, memory, pids, blkio|io, devices, freezer, hugetlb … */
  readonly controllers: ReadonlySet<string>;
  /** `path` as in `cgroupsPath` of the OCI configuration: absolute, from the hierarchy's root. */
  read(path: string): Promise<CgroupUsage>;
  /** Changes limits of a live group, in an order the kernel accepts (memory and swap both ways). */
  update(path: string, limits: CgroupLimits): Promise<void>;
  /** pids in the group and below it */
  processes(path: string): Promise<number[]>;
  freeze(path: string): Promise<void>;
  thaw(path: string): Promise<void>;
  isFrozen(path: string): Promise<boolean>;
  /** Removes the group and those below it, in every hierarchy; fine when it is not there. Throws conflict when processes are in it. */
  remove(path: string): Promise<void>;
  /** How often the OOM killer struck in the group; 0 when it is gone. */
  oomKills(path: string): Promise<number>;
  /** Files of the group with their contents, for the curious: "memory/memory.limit_in_bytes" → "…". */
  files(path: string): Promise<Record<string, string>>;
  /** A process will soon be put into a group: has the kernel ready for it (see anticipate.ts). Returns at once. */
  anticipate?(): void;
}
