import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, invalid, systemError } from '../../api/errors.ts';
import type { Attachment } from '../../networks/types.ts';
import { RuntimeFailure } from '../../runtime/failures.ts';
import { forgetExit } from '../../runtime/exit-watch.ts';
import type { CreatedProcess } from '../../runtime/supervisor.ts';
import { removeSmall } from '../../store/remove-later.ts';
import { ZERO_TIME } from '../../system/clock.ts';
import { writeFile } from '../../system/small-files.ts';
import { initialHealth } from '../health/state.ts';
import { emit, type ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { endProcesses } from './leftovers.ts';
import { HeldFolders } from './held-folders.ts';
import { namespaceChoices } from './namespaces.ts';
import { networkFiles, writeNetworkFiles } from './network-files.ts';
import { linkEnvironment, withLinks } from './link-env.ts';
import { networkKind, networkSubject } from './network-subject.ts';
import { prepareRealtime } from './realtime.ts';
import { remove } from './remove.ts';
import { mountRoot, unmountRoot } from './root-mount.ts';
import { checkShared, sharedBy9p } from './shared-folders.ts';
import { mountSides, shmOf } from './side-mounts.ts';
import { trySave } from './save.ts';
import { guard, setStatus } from './state.ts';
import { Undo } from './undo.ts';
import { volumeNames } from './users.ts';
import { ownerOf, stageVolumes } from './user-namespace.ts';

/** POST /containers/{id}/start */
export async function start(ctx: ContainersContext, live: Live): Promise<void> {
  await live.lock
    .run(async () => {
      guard('start', live.record);
      checkShared(ctx.config.hostFolders, live.record.hostConfig);
      ctx.cgroups.anticipate?.();
      live.cancelRestart?.();
      live.cancelRestart = undefined;
      live.record.stoppedByUser = false;
      live.record.restartCount = 0;
      live.restartDelay = 0;
      await startLocked(ctx, live);
    })
    .catch(async (error: unknown) => {
      if (live.record.hostConfig.AutoRemove && live.record.state.Status === 'created')
        await remove(ctx, live, { force: true, volumes: true }).catch(() => undefined);
      throw error;
    });
}

/**
 * Makes the container's processes and runs them; the caller holds the lock. Every step has its undo: a failure leaves the container
 * as it was, with the reason and exit code in its state, and nothing mounted, allocated or running.
 */
export async function startLocked(ctx: ContainersContext, live: Live): Promise<void> {
  const undo = new Undo();
  live.starting = true;
  live.exitWanted = false;
  live.lastSignal = 0;
  live.oomKills = 0;
  try {
    const { process, attachment, netns } = await prepare(ctx, live, undo);
    const bundle = ctx.layout.bundle(live.id);
    if (live.hub.wanted) await live.hub.connect(() => ctx.supervisor.attach(bundle));
    await ctx.supervisor.start(live.id);
    await recordRunning(ctx, live, process, attachment, netns);
  } catch (error) {
    await undo.rollBack(ctx.log);
    await recordFailure(ctx, live, error);
    throw asEngineError(error);
  } finally {
    live.starting = false;
  }
  emit(ctx, live, 'start');
  ctx.table.changed(live, 'start');
}

interface Prepared {
  process: CreatedProcess;
  attachment: Attachment | undefined;
  netns: string;
}

/** Root, network and process side by side: netavark and the runtime each take some 20 ms. */
async function prepare(ctx: ContainersContext, live: Live, undo: Undo): Promise<Prepared> {
  const { record } = live;
  const runDirectory = ctx.layout.containerRun(record.id);
  removeSmall(runDirectory);
  undo.add('run directory', () => removeSmall(runDirectory));
  mkdirSync(ctx.layout.bundle(record.id), { recursive: true, mode: 0o700 });
  forgetExit(ctx.layout.exits, record.id);
  // of an end that could not be cleared up
  await ctx.supervisor.discard(record.id);

  undo.add('volumes', () => ctx.volumes.release?.(record.id));
  await ctx.volumes.use?.(volumeNames(record), record.id);
  undo.add('root', () => unmountRoot(ctx, live));
  const rootfs = await mountRoot(ctx, live);
  const held = holdFolders(ctx, live);
  const netns = makeNetns(ctx, live, undo);
  // The runtime's mounts stay when what they were made from is taken away.
  const process = createProcess(ctx, live, rootfs, netns).finally(() => record.idMap && ctx.mapped.unstage(record.id));
  undo.add('processes', () => endProcesses(ctx, record));
  // A network namespace of the container's user namespace is there only when the runtime has made it.
  const own = record.idMap && networkKind(record.hostConfig.NetworkMode) === 'own';
  const attachment = own
    ? process.then(({ pid }) => attachNetwork(ctx, live, keepNetns(ctx, live, pid, undo), undo))
    : attachNetwork(ctx, live, netns, undo);
  const [made, attached] = await Promise.allSettled([process, attachment]);
  if (attached.status === 'rejected') throw attached.reason;
  if (made.status === 'rejected') throw made.reason;
  await held;
  return { process: made.value, attachment: attached.value, netns: own ? join(ctx.layout.netns, record.id) : netns };
}

/** Only where folders can be another computer's: the root's undo lets go of them. */
async function holdFolders(ctx: ContainersContext, live: Live): Promise<void> {
  const folders = sharedBy9p(ctx.config.hostFolders, live.record.mounts);
  if (folders.length === 0) return;
  live.held = new HeldFolders();
  await live.held.hold(folders);
}

/** A namespace of its own, unless it is the host's or another container's. Without any network the runtime's own would do, but a
 * namespace with a path is what stats, exec and the isolation view find again. */
function makeNetns(ctx: ContainersContext, live: Live, undo: Undo): string {
  if (live.record.idMap || networkKind(live.record.hostConfig.NetworkMode) !== 'own') return '';
  const netns = ctx.networking.makeNamespace(live.id);
  undo.add('network namespace', () => ctx.networking.dropNamespace(live.id));
  return netns;
}

/** Binds the namespace that the runtime made, where all others are. */
function keepNetns(ctx: ContainersContext, live: Live, pid: number, undo: Undo): string {
  const netns = ctx.networking.keepNamespace(live.id, `/proc/${pid}/ns/net`);
  undo.add('network namespace', () => ctx.networking.dropNamespace(live.id));
  return netns;
}

async function createProcess(
  ctx: ContainersContext,
  live: Live,
  rootfs: string,
  netns: string,
): Promise<CreatedProcess> {
  const { record } = live;
  prepareRealtime(ctx, record);
  const spec = await ctx.buildSpec({
    record: { ...record, mounts: await stageVolumes(ctx, { ...record, mounts: await mountSides(ctx, record) }) },
    rootfs,
    namespaces: namespaceChoices(ctx, record, netns),
    files: networkFiles(ctx, record),
    shm: shmOf(ctx, record),
    facts: ctx.facts,
  });
  if (spec.process) spec.process.env = withLinks(spec.process.env ?? [], linkEnvironment(ctx, record));
  const bundle = ctx.layout.bundle(record.id);
  const adapted = ctx.supervisor.adapt?.(record.id, spec) ?? spec;
  await writeFile(join(bundle, 'config.json'), JSON.stringify(adapted), { mode: 0o600 });
  const { config, hostConfig } = record;
  return ctx.supervisor.create({
    id: record.id,
    name: record.name,
    bundle,
    tty: config.Tty ?? false,
    stdin: config.OpenStdin ?? false,
    leaveStdinOpen: (config.OpenStdin ?? false) && !(config.StdinOnce ?? false),
    logPath: hostConfig.LogConfig?.Type === 'none' ? undefined : ctx.layout.containerLog(record.id),
    owner: ownerOf(record, spec.process?.user),
  });
}

async function attachNetwork(
  ctx: ContainersContext,
  live: Live,
  netns: string,
  undo: Undo,
): Promise<Attachment | undefined> {
  const { record } = live;
  const kind = networkKind(record.hostConfig.NetworkMode);
  if (kind === 'shared') return undefined;
  const subject = networkSubject(record);
  let attachment: Attachment | undefined;
  if (kind === 'own') {
    attachment = await ctx.networking.attach(netns, subject);
    undo.add('networks', () => ctx.networking.detach(record.id));
  }
  const hostname = subject.domainname === '' ? subject.hostname : `${subject.hostname}.${subject.domainname}`;
  await writeNetworkFiles(
    networkFiles(ctx, record),
    hostname,
    attachment ?? ctx.networking.plain(kind as 'host' | 'none', subject),
  );
  return attachment;
}

async function recordRunning(
  ctx: ContainersContext,
  live: Live,
  process: CreatedProcess,
  attachment: Attachment | undefined,
  netns: string,
): Promise<void> {
  const { record } = live;
  const { state } = record;
  setStatus(state, 'running');
  Object.assign(state, {
    Pid: process.pid,
    ExitCode: 0,
    Error: '',
    OOMKilled: false,
    StartedAt: ctx.clock.timestamp(),
  });
  const health = initialHealth(record.config, state.Health);
  if (health) state.Health = health;
  record.pidStartTime = process.startTime;
  record.monitorPid = process.monitorPid;
  record.netns = netns;
  record.attached = { networks: attachment?.networks ?? {}, ports: attachment?.ports ?? {} };
  await ctx.table.save(live);
}

async function recordFailure(ctx: ContainersContext, live: Live, error: unknown): Promise<void> {
  const { state } = live.record;
  const restarting = state.Status === 'restarting';
  Object.assign(state, {
    ExitCode: error instanceof RuntimeFailure ? error.exitCode : 128,
    Error: error instanceof Error ? error.message : String(error),
    Pid: 0,
  });
  setStatus(state, restarting || state.StartedAt !== ZERO_TIME ? 'exited' : 'created');
  live.record.pidStartTime = 0;
  live.record.netns = '';
  live.record.attached = { networks: {}, ports: {} };
  live.hub.end();
  await trySave(ctx, live, 'why it could not be started');
  live.settle('not-running', 'next-exit');
}

function asEngineError(error: unknown): unknown {
  if (error instanceof EngineError) return error;
  if (error instanceof RuntimeFailure)
    return error.faultOfRequest ? invalid(error.message, error) : systemError(error.message, error);
  return error;
}
