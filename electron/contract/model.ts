import type { ContainerInspect, ContainerStatus, PortSummary } from '../../agent/api/container.ts';
import type { ImageHistoryItem, ImageInspect } from '../../agent/api/image.ts';
import type {
  CgroupDetail,
  CgroupNode,
  Isolation,
  NamespaceMap,
  NamespaceMember,
  Pressure,
  UsageSample,
} from '../../agent/api/berth.ts';

/** What the window shows, as plain data. Sizes in bytes, times in milliseconds since the epoch. */

export type EngineState = 'starting' | 'ready' | 'unreachable' | 'stopped';
export interface EngineStatus {
  state: EngineState;
  /** unix:///… or ssh://… */
  endpoint: string;
  /** why it is not ready, and what to do; `machine`: it runs in the machine, whose view tells more */
  problem?: { title: string; detail: string; action: string; machine?: true };
  version?: string;
  apiVersion?: string;
  /** false: another Docker-compatible engine; what only Berth's engine offers is then not there */
  berth?: boolean;
  kernel?: string;
  os?: string;
  architecture?: string;
  cgroupVersion?: string;
  runtime?: string;
  cpus?: number;
  memory?: number;
  /** things the user should know */
  warnings: string[];
}

export type ContainerHealth = '' | 'starting' | 'healthy' | 'unhealthy';
export interface ContainerRow {
  id: string;
  name: string;
  image: string;
  imageId: string;
  command: string;
  state: ContainerStatus;
  /** Docker's words: "Up 3 minutes (healthy)", "Exited (137) 2 hours ago" */
  status: string;
  /** of these the time alone: "Up 3 minutes", "2 hours ago" */
  since: string;
  /** what its own check says; '' when it has none */
  health: ContainerHealth;
  /** of a container that ended or is between two starts; null of others */
  exitCode: number | null;
  created: number;
  ports: PortSummary[];
  labels: Record<string, string>;
  networks: string[];
  mounts: string[];
}
/** First a snapshot, then each change. */
export type ContainerChange =
  { kind: 'snapshot'; rows: ContainerRow[] } | { kind: 'upsert'; row: ContainerRow } | { kind: 'remove'; id: string };

export interface ImageRow {
  id: string;
  /** familiar names with tags; empty for a dangling image */
  tags: string[];
  digests: string[];
  created: number;
  size: number;
  /** names of containers that use it */
  usedBy: string[];
}
export type ImageChange = { kind: 'snapshot'; rows: ImageRow[] };
export interface ImageDetails {
  inspect: ImageInspect;
  history: ImageHistoryItem[];
}

export interface NetworkRow {
  id: string;
  name: string;
  driver: string;
  subnets: string[];
  /** without a way out of it */
  internal: boolean;
  containers: string[];
}
export interface VolumeRow {
  name: string;
  driver: string;
  mountpoint: string;
  created: number;
  usedBy: string[];
}

/** Bytes; a volume's size is -1 where the engine does not know it. */
export interface DiskUsage {
  /** all images together, layers that they share counted once */
  layers: number;
  containers: { id: string; name: string; size: number; live: boolean }[];
  images: { id: string; tags: string[]; size: number; own: number; used: boolean }[];
  volumes: { name: string; size: number; usedBy: string[]; anonymous: boolean }[];
  networks: { id: string; name: string; used: boolean }[];
}

export type LayerPhase = 'waiting' | 'downloading' | 'verifying' | 'downloaded' | 'unpacking' | 'done' | 'exists';
export interface LayerProgress {
  id: string;
  phase: LayerPhase;
  current: number;
  total: number;
}
/** While pulling: all layers each time (about ten a second); bytesPerSecond over the last seconds. */
export type PullUpdate =
  | { kind: 'progress'; layers: LayerProgress[]; message: string; bytesPerSecond: number }
  | { kind: 'done'; imageId: string; message: string };
export type RunUpdate =
  PullUpdate | { kind: 'created'; id: string; warnings: string[] } | { kind: 'started'; id: string };

export interface LogLine {
  /** milliseconds, with the RFC 3339 text for display */
  time: number;
  stamp: string;
  stream: 'stdout' | 'stderr';
  text: string;
}
/** Lines in order, many at once; `caughtUp` once, when what was stored has been sent. */
export type LogBatch = { kind: 'lines'; lines: LogLine[] } | { kind: 'caughtUp' } | { kind: 'end' };

/** One tick a second for all running containers. */
export interface UsageUpdate {
  time: number;
  containers: Record<string, UsageSample>;
}
/** History first (when the engine keeps one), then live. */
export type UsageHistoryUpdate =
  { kind: 'history'; interval: number; samples: UsageSample[] } | { kind: 'sample'; sample: UsageSample };

/** `session` first: it names the terminal for write, resize and close. */
export type TerminalUpdate =
  { kind: 'session'; session: string } | { kind: 'output'; data: string } | { kind: 'exit'; code: number | null };

export interface ProcessTable {
  titles: string[];
  rows: string[][];
}
export interface ActionResult {
  id: string;
  /** absent when it went well */
  error?: AppError;
}
/** What every failure looks like on the contract: what, why, what to do, and the field of the form it is about, if any. */
export interface AppError {
  code: string;
  message: string;
  detail?: string;
  action?: string;
  field?: string;
  /** the registry that wants to know who asks: signing in to it may help */
  signInTo?: string;
}
export type {
  CgroupDetail,
  CgroupNode,
  ContainerInspect,
  Isolation,
  NamespaceMap,
  NamespaceMember,
  Pressure,
  UsageSample,
};
