import type { ContainerCreateRequest } from '../../api/container.ts';
import type { ContainerRecord } from '../../services/container-record.ts';
import type { CheckedRequest, KernelFacts } from '../types.ts';
import { CAPABILITY_NAMES } from './capabilities.ts';

/** A machine that can do everything; for tests. */
export const someFacts = (changes: Partial<KernelFacts> = {}): KernelFacts => ({
  cgroupVersion: 1,
  controllers: new Set(['cpu', 'cpuacct', 'cpuset', 'memory', 'pids', 'blkio', 'devices', 'freezer']),
  swapLimit: true,
  cpus: 2,
  cpuList: '0-1',
  memList: '0',
  memory: 8 * 2 ** 30,
  seccomp: true,
  apparmor: false,
  capabilities: new Set(CAPABILITY_NAMES.filter((name) => name !== 'CAP_SYS_RESOURCE')),
  maxNofile: 20_000,
  kernelVersion: '6.1.0-13-amd64',
  blkioWeight: true,
  blkioThrottle: true,
  ...changes,
});

/** The least a request must have; for tests. */
export const someRequest = (changes: ContainerCreateRequest = {}): ContainerCreateRequest => ({
  Image: 'busybox',
  Cmd: ['true'],
  ...changes,
});

/** A record as it stands after create; for tests. */
export const recordOf = (
  checked: CheckedRequest,
  id: string,
  changes: Partial<ContainerRecord> = {},
): ContainerRecord => ({
  id,
  name: 'test',
  created: '2026-01-01T00:00:00Z',
  imageId: 'sha256:0',
  imageName: 'busybox',
  platform: 'linux',
  path: checked.path,
  args: checked.args,
  config: checked.config,
  hostConfig: checked.hostConfig,
  mounts: [],
  endpoints: checked.endpoints,
  attached: { networks: {}, ports: {} },
  state: {
    Status: 'created',
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: '',
    StartedAt: '0001-01-01T00:00:00Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  restartCount: 0,
  stoppedByUser: false,
  pidStartTime: 0,
  monitorPid: 0,
  cgroupPath: `/berth-test/${id}`,
  netns: '',
  ...changes,
});
