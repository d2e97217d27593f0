import type {
  ContainerCreateRequest,
  ContainerCreateResponse,
  ContainerInspect,
  ContainerSummary,
  HostConfig,
  WaitCondition,
  WaitResponse,
} from '../../api/container.ts';
import { notFound } from '../../api/errors.ts';
import type { Filters } from '../../http/query.ts';
import type { Hijacked } from '../../http/router.ts';
import { watchExits } from '../../runtime/exit-watch.ts';
import { attach, type AttachOptions, type ReplayLogs } from './attach.ts';
import type { ContainersContext } from './context.ts';
import { create } from './create.ts';
import { onExit } from './exited.ts';
import { inspect } from './inspect.ts';
import { kill } from './kill.ts';
import { unlink } from './links.ts';
import { list, type ListOptions } from './list.ts';
import { startOomWatch } from './oom.ts';
import { pause, unpause } from './pause.ts';
import { prune } from './prune.ts';
import { startLostCheck } from './lost.ts';
import { recover, startByPolicy } from './recover.ts';
import { remove, type RemoveOptions } from './remove.ts';
import { rename } from './rename.ts';
import { resize } from './resize.ts';
import { restart } from './restart.ts';
import { withRoot } from './root-mount.ts';
import { start } from './start.ts';
import { stop, type StopOptions } from './stop.ts';
import type { ContainerLookup } from './types.ts';
import { update } from './update.ts';
import { wait } from './wait.ts';

/** What the containers router calls; references are ids, id prefixes or names. */
export interface ContainerBackend {
  create(
    request: ContainerCreateRequest,
    options: { name?: string; platform?: string },
  ): Promise<ContainerCreateResponse>;
  start(reference: string): Promise<void>;
  stop(reference: string, options: StopOptions): Promise<void>;
  restart(reference: string, options: StopOptions): Promise<void>;
  kill(reference: string, signal: string): Promise<void>;
  pause(reference: string): Promise<void>;
  unpause(reference: string): Promise<void>;
  rename(reference: string, name: string): Promise<void>;
  remove(reference: string, options: RemoveOptions): Promise<void>;
  /** the link "name/alias" goes, not the containers */
  unlink(reference: string): Promise<void>;
  wait(reference: string, condition: WaitCondition, signal: AbortSignal): Promise<WaitResponse | undefined>;
  update(reference: string, request: HostConfig): Promise<string[]>;
  resize(reference: string, height: number, width: number): Promise<void>;
  list(options: ListOptions): Promise<ContainerSummary[]>;
  inspect(reference: string, size: boolean): Promise<ContainerInspect>;
  prune(filters: Filters): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }>;
  attach(reference: string, options: AttachOptions): { tty: boolean; run: (connection: Hijacked) => Promise<void> };
}

export function createLookup(ctx: ContainersContext): ContainerLookup {
  return {
    get: (reference) => ctx.table.get(reference).record,
    find: (reference) => ctx.table.find(reference)?.record,
    *all() {
      for (const live of ctx.table.values()) yield live.record;
    },
    withRoot: (id, use) => withRoot(ctx, ctx.table.get(id), use),
    onChange: (listener) => ctx.table.onChange(listener),
  };
}

export function createContainers(ctx: ContainersContext, replay: ReplayLogs): ContainerBackend {
  const get = (reference: string) => ctx.table.get(reference);
  return {
    create: (request, options) => create(ctx, request, options),
    start: async (reference) => start(ctx, get(reference)),
    stop: async (reference, options) => stop(ctx, get(reference), options),
    restart: async (reference, options) => restart(ctx, get(reference), options),
    kill: async (reference, signal) => {
      const live = ctx.table.find(reference);
      if (!live) throw notFound(`cannot kill container: ${reference}: No such container: ${reference}`);
      await kill(ctx, live, signal);
    },
    pause: async (reference) => pause(ctx, get(reference)),
    unpause: async (reference) => unpause(ctx, get(reference)),
    rename: async (reference, name) => rename(ctx, get(reference), name),
    remove: async (reference, options) => remove(ctx, get(reference), options),
    unlink: (reference) => unlink(ctx, reference),
    wait: async (reference, condition, signal) => wait(get(reference), condition, signal),
    update: async (reference, request) => update(ctx, get(reference), request),
    resize: async (reference, height, width) => resize(ctx, get(reference), height, width),
    list: (options) => list(ctx, options),
    inspect: async (reference, size) => inspect(ctx, get(reference), size),
    prune: (filters) => prune(ctx, filters),
    attach: (reference, options) => {
      const live = get(reference);
      return { tty: live.record.config.Tty ?? false, run: attach(ctx, live, options, replay) };
    },
  };
}

/** Recovers what was and watches for exits. `ready` applies restart policies, `stop` ends the watch. */
export async function runContainers(ctx: ContainersContext): Promise<{ ready: () => void; stop: () => void }> {
  const failed = (error: unknown) => ctx.log.error('an exit could not be handled', error);
  // The watch first: an exit between recovery and watch would never be seen.
  const stopWatch = await watchExits(ctx.layout.exits, (notice) => void onExit(ctx, notice).catch(failed), failed);
  await recover(ctx);
  const stopLostCheck = startLostCheck(ctx);
  const stopOomWatch = startOomWatch(ctx);
  return {
    ready: () => startByPolicy(ctx),
    stop: () => {
      stopWatch();
      stopLostCheck();
      stopOomWatch();
      for (const live of ctx.table.values()) live.cancelRestart?.();
    },
  };
}
