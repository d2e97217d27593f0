import type { IdMap } from '../namespaces/id-map.ts';
import type {
  ContainerConfig,
  ContainerState,
  EndpointSettings,
  HostConfig,
  MountPoint,
  PortMap,
} from '../api/container.ts';

/** A container as it is kept in `containers/ID/record.json`. Everything a client was told of it is here or derived from here. */
export interface ContainerRecord {
  /** 64 hex digits */
  readonly id: string;
  /** without slash; changed by rename */
  name: string;
  /** RFC 3339 with nanoseconds */
  readonly created: string;
  /** "sha256:…" */
  readonly imageId: string;
  /** as the user wrote it */
  readonly imageName: string;
  readonly platform: string;
  /** argv[0] and the rest, resolved from entrypoint and command */
  readonly path: string;
  readonly args: string[];
  /** merged with the image's */
  readonly config: ContainerConfig;
  /** changed by update */
  hostConfig: HostConfig;
  readonly mounts: MountPoint[];
  /** images mounted in it: destination → "sha256:…" */
  readonly imageMounts?: Record<string, string>;
  /** asked for; changed by network connect and disconnect */
  endpoints: Record<string, EndpointSettings>;
  /** as attached now; empty when not running */
  attached: { networks: Record<string, EndpointSettings>; ports: PortMap };
  state: ContainerState;
  restartCount: number;
  /** the user stopped it: `unless-stopped` and `always` leave it alone until the engine starts again or the user does */
  stoppedByUser: boolean;
  /** start time of `state.Pid` in clock ticks (field 22 of /proc/PID/stat): pid plus start time is a process */
  pidStartTime: number;
  /** conmon's own */
  monitorPid: number;
  /** `cgroupsPath`, absolute */
  cgroupPath: string;
  /** ids of the container's own user namespace; absent: the host's. For good: its files have owners of these */
  readonly idMap?: IdMap;
  /** path of the network namespace, or '' where it is the host's or another container's */
  netns: string;
}
