import type { CgroupDriver } from '../../cgroups/types.ts';
import type { ImageSource } from '../../images/types.ts';
import type { ContainerNetworking } from '../../networks/types.ts';
import type { HostConfig } from '../../api/container.ts';
import type { CgroupLimits } from '../../cgroups/types.ts';
import type { Runtimes } from '../../runtime/choosing-supervisor.ts';
import type { Supervisor } from '../../runtime/supervisor.ts';
import type { BuildSpec, CheckCreate, KernelFacts, ResolveMounts } from '../../runtime/types.ts';
import type { Layout } from '../../store/layout.ts';
import type { Clock } from '../../system/clock.ts';
import type { Log } from '../../system/log.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import type { VolumeSource } from '../../volumes/types.ts';
import type { EngineConfig } from '../config.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { EventSink } from '../events/types.ts';
import type { Live } from './live.ts';
import type { MappedMounts } from './mapped-mounts.ts';
import type { ContainerTable } from './table.ts';

export type CheckUpdate = (
  resources: HostConfig,
  record: ContainerRecord,
  facts: KernelFacts,
) => { limits: CgroupLimits; hostConfig: HostConfig; warnings: string[] };

/** All that the verbs work with. */
export interface ContainersContext {
  readonly config: EngineConfig;
  readonly layout: Layout;
  readonly sys: Syscalls;
  readonly log: Log;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly table: ContainerTable;
  readonly supervisor: Supervisor;
  readonly runtimes: Runtimes;
  readonly images: ImageSource;
  readonly networking: ContainerNetworking;
  readonly volumes: VolumeSource;
  readonly mapped: MappedMounts;
  readonly cgroups: CgroupDriver;
  readonly facts: KernelFacts;
  readonly checkCreate: CheckCreate;
  readonly buildSpec: BuildSpec;
  readonly resolveMounts: ResolveMounts;
  readonly checkUpdate: CheckUpdate;
  /** Cuts the log of a container that has just ended to what may stay of it. */
  readonly trimLog: (record: ContainerRecord) => Promise<void>;
}

/** An event of a container: with its labels, image and name as attributes, as dockerd has it. */
export function emit(
  ctx: ContainersContext,
  live: Live,
  action: string,
  attributes: Record<string, string> = {},
): void {
  const { record } = live;
  ctx.events.emit('container', action, record.id, {
    ...record.config.Labels,
    ...attributes,
    image: record.imageName,
    name: record.name,
  });
}
