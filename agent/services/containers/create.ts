import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  ContainerCreateRequest,
  ContainerCreateResponse,
  EndpointSettings,
  HostConfig,
  MountPoint,
} from '../../api/container.ts';
import { conflict, EngineError, invalid, notFound } from '../../api/errors.ts';
import type { IdMap } from '../../namespaces/id-map.ts';
import type { StoredImage } from '../../images/types.ts';
import { runtimeFor } from '../../runtime/choosing-supervisor.ts';
import type { CheckedRequest } from '../../runtime/types.ts';
import { mkdir, writeFile } from '../../system/small-files.ts';
import type { ContainerRecord } from '../container-record.ts';
import { emit, type ContainersContext } from './context.ts';
import { checkLinks } from './links.ts';
import { copyUpVolumes } from './copy-up.ts';
import { withEngineDefaults } from './engine-defaults.ts';
import { generateName } from './name-generator.ts';
import { endpointsOf, networkKind } from './network-subject.ts';
import { makeOverlayDirectories, unmountMerged } from './root-mount.ts';
import { createdState } from './state.ts';
import { Undo } from './undo.ts';
import { chooseIdMap, giveToContainer } from './user-namespace.ts';

const NAME = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export function checkName(name: string): string {
  if (!NAME.test(name)) throw invalid(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  return name.replace(/^\//, '');
}

/** POST /containers/create. All that is made for it is taken back when a step fails. */
export async function create(
  ctx: ContainersContext,
  request: ContainerCreateRequest,
  options: { name?: string; platform?: string },
): Promise<ContainerCreateResponse> {
  if (Object.keys(request).every((key) => key === 'HostConfig' || key === 'NetworkingConfig'))
    throw invalid('config cannot be empty in order to create a container');
  if (typeof request.Image !== 'string' || request.Image === '') throw invalid('no image specified');
  const image = ctx.images.resolve(request.Image);
  checkPlatform(request.Image, image, options.platform);
  const checked = ctx.checkCreate(withEngineDefaults(ctx.config, request), image.config, ctx.facts);
  const hostConfig = {
    ...withContainerIds(ctx, checked.hostConfig),
    Runtime: chooseRuntime(ctx, checked),
    Links: checkLinks(ctx, checked.hostConfig),
  };
  const idMap = chooseIdMap(ctx, hostConfig);
  const endpoints = endpointsOf(hostConfig.NetworkMode, checked.endpoints);
  checkNetworks(ctx, hostConfig, endpoints);

  const id = randomBytes(32).toString('hex');
  const undo = new Undo();
  const name = reserveName(ctx, options.name, id);
  undo.add('name', () => ctx.table.release(name, id));
  try {
    const record = await make(ctx, undo, {
      id,
      name,
      image,
      request,
      checked: { ...checked, hostConfig },
      endpoints,
      idMap,
    });
    const live = await ctx.table.add(record);
    // Most are started at once.
    ctx.cgroups.anticipate?.();
    emit(ctx, live, 'create');
    ctx.table.changed(live, 'create');
    return { Id: id, Warnings: checked.warnings };
  } catch (error) {
    await undo.rollBack(ctx.log);
    throw error;
  }
}

interface Ingredients {
  id: string;
  name: string;
  image: StoredImage;
  request: ContainerCreateRequest;
  checked: CheckedRequest;
  endpoints: Record<string, EndpointSettings>;
  idMap: IdMap | undefined;
}

async function make(ctx: ContainersContext, undo: Undo, made: Ingredients): Promise<ContainerRecord> {
  const { id, name, image, request, checked } = made;
  const directory = ctx.layout.container(id);
  undo.add('directory', () => rm(directory, { recursive: true, force: true }));
  // A directory without a record says, should the engine be killed now, that this container never came to be.
  // (Not `recursive`: that says ENOENT on a read-only file system.)
  await mkdir(directory, { mode: 0o710 });
  const others = (reference: string) => {
    const other = ctx.table.find(reference);
    // Not "not found": a client would take that for its image.
    if (!other) throw invalid(`No such container: ${reference}`);
    return other.record;
  };
  const { mounts, anonymous } = await ctx.resolveMounts(checked, others, id);
  undo.add('anonymous volumes', () => Promise.all(anonymous.map((volume) => ctx.volumes.remove(volume))));
  await makeOverlayDirectories(ctx, id);
  await Promise.all(
    ['hosts', 'hostname', 'resolv.conf'].map((file) => writeFile(join(directory, file), '', { mode: 0o644 })),
  );
  if (made.idMap) await giveToContainer(ctx, id, made.idMap);
  undo.add('the image seen for its volumes', () => unmountMerged(ctx, id));
  const config = { ...checked.config, Image: request.Image };
  if (!config.Hostname && networkKind(checked.hostConfig.NetworkMode) !== 'host') config.Hostname = id.slice(0, 12);
  const parent = checked.hostConfig.CgroupParent || ctx.config.cgroupParent;
  const record: ContainerRecord = {
    id,
    name,
    created: ctx.clock.timestamp(),
    imageId: image.id,
    imageName: request.Image as string,
    platform: image.os,
    path: checked.path,
    args: checked.args,
    config,
    hostConfig: checked.hostConfig,
    mounts,
    ...imageMounts(ctx, mounts),
    endpoints: made.endpoints,
    attached: { networks: {}, ports: {} },
    state: createdState(),
    restartCount: 0,
    stoppedByUser: false,
    pidStartTime: 0,
    monitorPid: 0,
    cgroupPath: join('/', parent, id),
    ...(made.idMap && { idMap: made.idMap }),
    netns: '',
  };
  await copyUpVolumes(ctx, record);
  return record;
}

/** Images mounted in it, by id: a name may be given to another image later. */
function imageMounts(ctx: ContainersContext, mounts: readonly MountPoint[]): Pick<ContainerRecord, 'imageMounts'> {
  const found = mounts.flatMap(({ Type, Name, Destination }): [string, string][] => {
    if (Type !== 'image') return [];
    try {
      return [[Destination, ctx.images.resolve(Name ?? '').id]];
    } catch (error) {
      // Not "not found": a client would take that for the container's own image, and pull that.
      if (error instanceof EngineError && error.kind === 'not-found') throw invalid(error.message, error);
      throw error;
    }
  });
  return found.length > 0 ? { imageMounts: Object.fromEntries(found) } : {};
}

function checkPlatform(reference: string, image: StoredImage, platform: string | undefined): void {
  if (!platform) return;
  const [os, architecture] = platform.toLowerCase().split('/');
  const alias: Record<string, string> = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64' };
  const wanted = architecture === undefined ? undefined : (alias[architecture] ?? architecture);
  if (os !== image.os || (wanted !== undefined && wanted !== image.architecture))
    throw notFound(
      `image with reference ${reference} was found but its platform (${image.os}/${image.architecture}) does not match the specified platform (${platform})`,
    );
}

/** A network that is not there is found missing at start, as dockerd has it: "not found" now would mean the image to a client. */
function checkNetworks(
  ctx: ContainersContext,
  { NetworkMode: mode = 'default', PortBindings }: HostConfig,
  endpoints: Record<string, EndpointSettings>,
): void {
  try {
    ctx.networking.check(mode, { endpoints, portBindings: PortBindings ?? {} });
  } catch (error) {
    if (!(error instanceof EngineError && error.kind === 'not-found')) throw error;
  }
}

/** The name as it was asked for, so that it is found again; says so where another is used. */
function chooseRuntime({ runtimes }: ContainersContext, { hostConfig, warnings }: CheckedRequest): string {
  const asked = hostConfig.Runtime || runtimes.defaultName;
  const used = runtimeFor(runtimes, asked);
  if (used === undefined) throw invalid(`unknown or invalid runtime name: ${asked}`);
  if (asked === 'runc' && used !== asked) warnings.push(`The runtime runc is not installed. ${used} is used.`);
  return asked;
}

/** Modes that name another container keep its id, so that a rename does not matter. */
function withContainerIds(ctx: ContainersContext, hostConfig: HostConfig): HostConfig {
  const byId = (mode: string | undefined) => {
    if (!mode?.startsWith('container:')) return mode;
    const reference = mode.slice('container:'.length);
    const other = ctx.table.find(reference);
    // Not "not found": a client would take that for its image, and pull that.
    if (!other) throw invalid(`No such container: ${reference}`);
    return `container:${other.id}`;
  };
  return {
    ...hostConfig,
    NetworkMode: byId(hostConfig.NetworkMode),
    PidMode: byId(hostConfig.PidMode),
    IpcMode: byId(hostConfig.IpcMode),
  };
}

function reserveName(ctx: ContainersContext, asked: string | undefined, id: string): string {
  if (asked) {
    const name = checkName(asked);
    ctx.table.reserve(name, id);
    return name;
  }
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const name = generateName(attempt);
    if (!ctx.table.isFree(name)) continue;
    ctx.table.reserve(name, id);
    return name;
  }
  throw conflict('no free name was found for the container: give it one');
}
