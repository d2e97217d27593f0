import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type {
  BerthSystem,
  CgroupDetail,
  CgroupNode,
  Isolation,
  NamespaceMap,
  Pressure,
  UsageHistory,
  UsageTick,
} from '../../agent/api/berth.ts';
import type {
  ContainerCreateRequest,
  ContainerCreateResponse,
  ContainerInspect,
  ContainerSummary,
  ExecConfig,
  ExecInspect,
  TopResponse,
} from '../../agent/api/container.ts';
import type {
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImageSummary,
  ProgressMessage,
} from '../../agent/api/image.ts';
import type { NetworkCreateRequest, NetworkInspect, VolumeInspect } from '../../agent/api/network.ts';
import type { ContainerStats, EventMessage } from '../../agent/api/system.ts';
import { ApiError } from './errors.ts';
import { EngineHttp } from './http.ts';
import { splitReference } from './reference.ts';
import { jsonLines } from './streams.ts';
import type { Transport } from './transport.ts';

/** GET /version, as far as it is used here. */
export interface EngineVersion {
  Version: string;
  ApiVersion: string;
  Os: string;
  Arch: string;
  KernelVersion?: string;
}
/** GET /info, as far as it is used here. */
export interface EngineInfo {
  ServerVersion: string;
  OperatingSystem: string;
  KernelVersion: string;
  Architecture: string;
  NCPU: number;
  MemTotal: number;
  CgroupVersion?: string;
  DefaultRuntime?: string;
  Warnings?: string[] | null;
  DockerRootDir?: string;
  LoggingDriver?: string;
  HttpProxy?: string;
  HttpsProxy?: string;
  NoProxy?: string;
  RegistryConfig?: {
    InsecureRegistryCIDRs?: string[] | null;
    Mirrors?: string[] | null;
    IndexConfigs?: Record<string, { Name: string; Secure: boolean }>;
  };
}

/** GET /system/df, as far as it is used here. */
export interface SystemUsage {
  LayersSize?: number;
  Images?: ImageSummary[] | null;
  Containers?: ContainerSummary[] | null;
  Volumes?: VolumeInspect[] | null;
}

/** Milliseconds an engine has to answer when asked whether it is there. */
const PING_TIMEOUT = 5_000;
const at = encodeURIComponent;
/** An image reference keeps its slashes in a path. */
const imagePath = (reference: string) => reference.split('/').map(at).join('/');

/** The Docker Engine API, and /berth/v1 where there is one, as far as the window needs them. Types are the wire's. */
export class EngineClient {
  #http: EngineHttp;

  constructor(transport: Transport) {
    this.#http = new EngineHttp(transport);
  }

  /** Speaks to another engine from now on; whatever goes on with the one before ends. */
  switchTo(transport: Transport): void {
    this.#http.close();
    this.#http = new EngineHttp(transport);
  }

  get address(): string {
    return this.#http.address;
  }
  close = (): void => this.#http.close();

  ping = async (signal?: AbortSignal): Promise<void> => {
    const answer = await this.#http.stream('GET', '/_ping', { timeout: PING_TIMEOUT, signal });
    answer.resume();
  };
  version = (): Promise<EngineVersion> => this.#http.json('GET', '/version', { watching: true, timeout: PING_TIMEOUT });
  info = (): Promise<EngineInfo> => this.#http.json('GET', '/info', { watching: true, timeout: 4 * PING_TIMEOUT });
  /** undefined when it is another engine */
  berthSystem = (): Promise<BerthSystem | undefined> => this.#optional('/berth/v1/system');
  /** Resolves when the engine has begun to send: nothing after that is missed. */
  events = async (signal: AbortSignal): Promise<AsyncGenerator<EventMessage>> =>
    jsonLines<EventMessage>(await this.#http.stream('GET', '/events', { signal }), signal);

  /** all containers, or those of `ids` that are there */
  listContainers = (ids?: readonly string[]): Promise<ContainerSummary[]> =>
    this.#http.json('GET', '/containers/json', {
      watching: true,
      query: { all: 1, filters: ids && JSON.stringify({ id: ids }) },
    });
  inspectContainer = (id: string): Promise<ContainerInspect> => this.#http.json('GET', `/containers/${at(id)}/json`);
  createContainer = (body: ContainerCreateRequest, name: string): Promise<ContainerCreateResponse> =>
    this.#http.json('POST', '/containers/create', { query: { name: name || undefined }, body });
  /** `verb` as in the path. An answer "not modified" is fine. */
  containerVerb = (id: string, verb: 'start' | 'stop' | 'restart' | 'pause' | 'unpause' | 'kill'): Promise<void> =>
    this.#void('POST', `/containers/${at(id)}/${verb}`);
  removeContainer = (id: string, force: boolean, volumes: boolean): Promise<void> =>
    this.#void('DELETE', `/containers/${at(id)}`, { force: force ? 1 : undefined, v: volumes ? 1 : undefined });
  renameContainer = (id: string, name: string): Promise<void> =>
    this.#void('POST', `/containers/${at(id)}/rename`, { name });
  top = (id: string): Promise<TopResponse> =>
    this.#http.json('GET', `/containers/${at(id)}/top`, {
      query: { ps_args: '-eo user,pid,ppid,pcpu,pmem,etime,args' },
    });
  logs = (
    id: string,
    query: { follow: boolean; tail: number; since: number },
    signal: AbortSignal,
  ): Promise<IncomingMessage> =>
    this.#http.stream('GET', `/containers/${at(id)}/logs`, {
      query: {
        stdout: 1,
        stderr: 1,
        timestamps: 1,
        follow: query.follow ? 1 : 0,
        tail: query.tail === 0 ? 'all' : query.tail,
        since: query.since > 0 ? (query.since / 1000).toFixed(3) : undefined,
      },
      signal,
    });
  stats = async (id: string, signal: AbortSignal): Promise<AsyncGenerator<ContainerStats>> =>
    jsonLines<ContainerStats>(
      await this.#http.stream('GET', `/containers/${at(id)}/stats`, { query: { stream: 1 }, signal }),
      signal,
    );

  createExec = (id: string, config: ExecConfig): Promise<{ Id: string }> =>
    this.#http.json('POST', `/containers/${at(id)}/exec`, { body: config });
  startExec = (id: string, config: { Tty: boolean; ConsoleSize?: [number, number] }): Promise<Duplex> =>
    this.#http.upgrade('POST', `/exec/${at(id)}/start`, { body: { Detach: false, ...config } });
  startExecDetached = (id: string): Promise<void> =>
    this.#http.json('POST', `/exec/${at(id)}/start`, { body: { Detach: true, Tty: false } });
  resizeExec = (id: string, columns: number, rows: number): Promise<void> =>
    this.#void('POST', `/exec/${at(id)}/resize`, { w: columns, h: rows });
  inspectExec = (id: string): Promise<ExecInspect> => this.#http.json('GET', `/exec/${at(id)}/json`);

  listImages = (): Promise<ImageSummary[]> => this.#http.json('GET', '/images/json', { watching: true });
  inspectImage = (reference: string): Promise<ImageInspect> =>
    this.#http.json('GET', `/images/${imagePath(reference)}/json`);
  imageHistory = (reference: string): Promise<ImageHistoryItem[]> =>
    this.#http.json('GET', `/images/${imagePath(reference)}/history`);
  tagImage = (reference: string, repo: string, tag: string): Promise<void> =>
    this.#void('POST', `/images/${imagePath(reference)}/tag`, { repo, tag: tag || undefined });
  removeImage = (reference: string, force: boolean): Promise<ImageDeleteItem[]> =>
    this.#http.json('DELETE', `/images/${imagePath(reference)}`, { query: { force: force ? 1 : undefined } });
  /** Ending the iteration, or `signal`, cancels the pull. `auth` is the value of X-Registry-Auth. */
  pull = async (
    reference: string,
    platform: string,
    auth: string,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<ProgressMessage>> => {
    const { name, tag } = splitReference(reference);
    const query = { fromImage: name, tag: tag || 'latest', platform: platform || undefined };
    const headers: Record<string, string> = auth ? { 'X-Registry-Auth': auth } : {};
    return jsonLines<ProgressMessage>(
      await this.#http.stream('POST', '/images/create', { query, headers, signal }),
      signal,
    );
  };

  /** Has the engine sign in to a registry; throws ApiError when that refuses. */
  auth = (body: { username: string; password: string; serveraddress: string }): Promise<{ IdentityToken?: string }> =>
    this.#http.json('POST', '/auth', { body });

  diskUsage = (): Promise<SystemUsage> => this.#http.json('GET', '/system/df');
  createNetwork = (body: NetworkCreateRequest): Promise<{ Id: string }> =>
    this.#http.json('POST', '/networks/create', { body });
  removeNetwork = (id: string): Promise<void> => this.#void('DELETE', `/networks/${at(id)}`);
  createVolume = (name: string): Promise<VolumeInspect> =>
    this.#http.json('POST', '/volumes/create', { body: name ? { Name: name } : {} });
  listNetworks = (): Promise<NetworkInspect[]> => this.#http.json('GET', '/networks', { watching: true });
  listVolumes = async (): Promise<VolumeInspect[]> =>
    (await this.#http.json<{ Volumes: VolumeInspect[] | null }>('GET', '/volumes', { watching: true })).Volumes ?? [];
  removeVolume = (name: string): Promise<void> => this.#void('DELETE', `/volumes/${at(name)}`);

  berthUsage = async (signal: AbortSignal): Promise<AsyncGenerator<UsageTick>> =>
    jsonLines<UsageTick>(await this.#http.stream('GET', '/berth/v1/usage', { signal }), signal);
  berthHistory = (id: string): Promise<UsageHistory | undefined> =>
    this.#optional(`/berth/v1/containers/${at(id)}/history`);
  isolation = (id: string): Promise<Isolation | undefined> =>
    this.#optional(`/berth/v1/containers/${at(id)}/isolation`);
  pressure = (id: string): Promise<Pressure | undefined> => this.#optional(`/berth/v1/containers/${at(id)}/pressure`);
  cgroups = (): Promise<CgroupNode | undefined> => this.#optional('/berth/v1/cgroups');
  cgroup = (path: string): Promise<CgroupDetail | undefined> => this.#optional('/berth/v1/cgroup', { path });
  namespaces = (): Promise<NamespaceMap | undefined> => this.#optional('/berth/v1/namespaces');

  async #void(method: string, path: string, query?: Record<string, string | number | undefined>): Promise<void> {
    await this.#http.json(method, path, { query });
  }

  /** undefined where the engine does not know the path or the thing */
  async #optional<T>(path: string, query?: Record<string, string>): Promise<T | undefined> {
    try {
      return await this.#http.json<T>('GET', path, { query, watching: true, timeout: 2 * PING_TIMEOUT });
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) return undefined;
      throw error;
    }
  }
}
