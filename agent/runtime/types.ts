import type {
  ContainerCreateRequest,
  ContainerConfig,
  EndpointSettings,
  ExecConfig,
  HostConfig,
  MountPoint,
} from '../api/container.ts';
import type { ContainerRecord } from '../services/container-record.ts';
import type { OciProcess, OciSpec } from './oci.ts';

/** Facts about this machine, found once at start. */
export interface KernelFacts {
  cgroupVersion: 1 | 2;
  controllers: ReadonlySet<string>;
  /** cgroup v1: `memory.memsw.limit_in_bytes` is there; v2: `memory.swap.max` */
  swapLimit: boolean;
  cpus: number;
  /** online CPUs and NUMA nodes, as lists: "0-3" */
  cpuList: string;
  memList: string;
  /** bytes */
  memory: number;
  seccomp: boolean;
  apparmor: boolean;
  /** names (CAP_…) in the engine's own bounding set: what can be given to a container */
  capabilities: ReadonlySet<string>;
  /** hard limit of open files the engine itself has */
  maxNofile: number;
  kernelVersion: string;
  /** v1 `memory.swappiness`; undefined: as the controller suggests */
  memorySwappiness?: boolean;
  /** v1 `memory.oom_control` */
  oomKillDisable?: boolean;
  /** a weight for block I/O (v1 `blkio.weight` or `blkio.bfq.weight`, v2 `io.weight` or `io.bfq.weight`) */
  blkioWeight?: boolean;
  /** limits by device (v1 `blkio.throttle.*`, v2 `io.max`) */
  blkioThrottle?: boolean;
  /** v1 `cpu.rt_runtime_us` */
  cpuRealtime?: boolean;
  cgroupNamespaces?: boolean;
  userNamespaces?: boolean;
  /** the engine's own hard limits by name ("nproc"); what is missing is unlimited */
  hardLimits?: Readonly<Record<string, number>>;
  /** fs.nr_open */
  maxOpenFiles?: number;
  /** the engine's own oom_score_adj: without CAP_SYS_RESOURCE nothing goes below it */
  oomScoreAdj?: number;
}

/** A create request, checked and completed with the image's defaults (runtime/spec). */
export interface CheckedRequest {
  config: ContainerConfig;
  hostConfig: HostConfig;
  endpoints: Record<string, EndpointSettings>;
  path: string;
  args: string[];
  /** for the create response, in Docker's words */
  warnings: string[];
}
/** `checkCreate(request, imageConfig, facts)` throws invalid-parameter with dockerd's message. */
export type CheckCreate = (
  request: ContainerCreateRequest,
  image: ContainerConfig,
  facts: KernelFacts,
) => CheckedRequest;

/** How each namespace of a container comes about. */
export type NamespaceChoice = { kind: 'new' } | { kind: 'host' } | { kind: 'join'; path: string };
export interface NamespaceChoices {
  pid: NamespaceChoice;
  net: NamespaceChoice;
  ipc: NamespaceChoice;
  uts: NamespaceChoice;
  user: NamespaceChoice;
  cgroup: NamespaceChoice;
}

export interface SpecInput {
  record: ContainerRecord;
  /** merged root, mounted */
  rootfs: string;
  namespaces: NamespaceChoices;
  /** directory to be bound as /dev/shm; absent: a tmpfs of the container's own */
  shm?: string | undefined;
  files: { hosts: string; hostname: string; resolvConf: string };
  facts: KernelFacts;
}
export type BuildSpec = (input: SpecInput) => Promise<OciSpec>;
/** The process of an exec, inheriting from the container's. */
export type BuildExecProcess = (
  record: ContainerRecord,
  exec: ExecConfig,
  rootfs: string,
  facts: KernelFacts,
) => Promise<OciProcess>;
/** Binds, --mount, image volumes, --volumes-from: makes or finds volumes and bind sources; each target once, sorted as Docker has it. */
export type ResolveMounts = (
  request: CheckedRequest,
  others: (reference: string) => ContainerRecord,
  /** the container's id: its anonymous volumes are found by it should it never come to be */
  container: string,
) => Promise<{ mounts: MountPoint[]; anonymous: string[] }>;
