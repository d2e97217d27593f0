import type { ContainerCreateRequest, HostConfig, WaitCondition } from '../api/container.ts';
import { EngineError, invalid } from '../api/errors.ts';
import { CREATE_REQUEST, UPDATE_REQUEST } from '../api/request-schema.ts';
import { atLeast } from '../api/version.ts';
import { LIST_FILTERS } from '../services/containers/list-filter.ts';
import { PRUNE_FILTERS } from '../services/containers/prune.ts';
import { MULTIPLEXED_STREAM, RAW_STREAM } from '../services/containers/raw-stream.ts';
import type { ContainerBackend } from '../services/containers/service.ts';
import { adaptCreate, inspectFor, summariesFor } from './compat.ts';
import { boolValue, intValue, parseFilters } from './query.ts';
import { empty, hijack, json, stream, type RequestContext, type Router } from './router.ts';

/** /containers, but for those of other services (logs, stats, top, archive). */
export function addContainerRoutes(
  router: Router,
  containers: ContainerBackend,
  { cgroupVersion }: { cgroupVersion: 1 | 2 },
): void {
  // Before what takes any path below a container's.
  addCheckpointRoutes(router);
  addCollectionRoutes(router, containers, cgroupVersion);
  addVerbRoutes(router, containers);
  addStreamRoutes(router, containers);
}

/** Checkpoints are not offered; dockerd says this to those who ask without its experimental mode. */
function addCheckpointRoutes(router: Router): void {
  const refuse = () => {
    throw new EngineError(
      'not-implemented',
      'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.',
    );
  };
  router.get('/containers/{id}/checkpoints', refuse);
  router.post('/containers/{id}/checkpoints', refuse);
  router.delete('/containers/{id}/checkpoints/{name}', refuse);
}

const idOf = (ctx: RequestContext): string => ctx.params['id'] as string;

function addCollectionRoutes(router: Router, containers: ContainerBackend, cgroupVersion: 1 | 2): void {
  router.get('/containers/json', async (ctx) => {
    const limit = intValue(ctx.query, 'limit', 0);
    const filters = parseFilters(ctx.query, LIST_FILTERS);
    const found = await containers.list({
      all: boolValue(ctx.query, 'all'),
      limit: Math.max(0, limit),
      size: boolValue(ctx.query, 'size'),
      filters,
    });
    return json(summariesFor(found, ctx.apiVersion));
  });
  router.post('/containers/create', async (ctx) => {
    const request =
      (await ctx.json<ContainerCreateRequest | null>({ type: 'container.CreateRequest', shape: CREATE_REQUEST })) ?? {};
    const platform = atLeast(ctx.apiVersion, '1.41') ? (ctx.query.get('platform') ?? undefined) : undefined;
    const adapted = adaptCreate(request, ctx.apiVersion, cgroupVersion);
    const made = await containers.create(adapted.request, { name: ctx.query.get('name') ?? undefined, platform });
    return json({ ...made, Warnings: [...made.Warnings, ...adapted.warnings] }, 201);
  });
  router.post('/containers/prune', async (ctx) => json(await containers.prune(parseFilters(ctx.query, PRUNE_FILTERS))));
  router.get('/containers/{id}/json', async (ctx) =>
    json(inspectFor(await containers.inspect(idOf(ctx), boolValue(ctx.query, 'size')), ctx.apiVersion)),
  );
  router.delete('/containers/{id}', async (ctx) => {
    if (boolValue(ctx.query, 'link')) await containers.unlink(idOf(ctx));
    else
      await containers.remove(idOf(ctx), { force: boolValue(ctx.query, 'force'), volumes: boolValue(ctx.query, 'v') });
    return empty();
  });
}

function addVerbRoutes(router: Router, containers: ContainerBackend): void {
  const verb = (name: string, run: (ctx: RequestContext) => Promise<void>) =>
    router.post(`/containers/{id}/${name}`, async (ctx) => {
      await run(ctx);
      return empty();
    });
  const stopOptions = (ctx: RequestContext) => ({
    signal: atLeast(ctx.apiVersion, '1.42') ? (ctx.query.get('signal') ?? undefined) : undefined,
    timeout: ctx.query.get('t') ? intValue(ctx.query, 't', 10) : undefined,
  });
  verb('start', (ctx) => {
    if (ctx.query.get('checkpoint')) throw invalid('checkpoint is only supported in experimental mode');
    return containers.start(idOf(ctx));
  });
  verb('stop', (ctx) => containers.stop(idOf(ctx), stopOptions(ctx)));
  verb('restart', (ctx) => containers.restart(idOf(ctx), stopOptions(ctx)));
  verb('kill', (ctx) => containers.kill(idOf(ctx), ctx.query.get('signal') ?? ''));
  verb('pause', (ctx) => containers.pause(idOf(ctx)));
  verb('unpause', (ctx) => containers.unpause(idOf(ctx)));
  verb('rename', (ctx) => containers.rename(idOf(ctx), ctx.query.get('name') ?? ''));
  router.post('/containers/{id}/update', async (ctx) =>
    json({
      Warnings: await containers.update(
        idOf(ctx),
        updateOf(await ctx.json<HostConfig>({ shape: UPDATE_REQUEST }), ctx.apiVersion),
      ),
    }),
  );
  router.post('/containers/{id}/resize', async (ctx) => {
    const { height, width } = sizeOf(ctx);
    await containers.resize(idOf(ctx), height, width);
    return empty(200);
  });
}

/** What came later is not looked at in an older client's update. Any limit below one is none, which is 0. */
function updateOf(request: HostConfig, version: string): HostConfig {
  const { PidsLimit, ...rest } = request;
  return atLeast(version, '1.40') && typeof PidsLimit === 'number'
    ? { ...rest, PidsLimit: Math.max(0, PidsLimit) }
    : rest;
}

/** The window size of resize requests. */
export function sizeOf(ctx: RequestContext): { height: number; width: number } {
  const read = (name: string, what: string) => {
    const text = ctx.query.get(name) ?? '';
    const fault = /^-?\d+$/.test(text)
      ? text.startsWith('-') || Number(text) > 0xffff_ffff
        ? 'value out of range'
        : undefined
      : 'invalid syntax';
    if (fault) throw invalid(`invalid resize ${what} ${JSON.stringify(text)}: ${fault}`);
    return Number(text);
  };
  return { height: read('h', 'height'), width: read('w', 'width') };
}

const CONDITIONS: readonly string[] = ['not-running', 'next-exit', 'removed'];

function addStreamRoutes(router: Router, containers: ContainerBackend): void {
  router.post('/containers/{id}/wait', async (ctx) => {
    // Conditions, and the early head, came with 1.30.
    const early130 = atLeast(ctx.apiVersion, '1.30');
    const condition = (early130 && ctx.query.get('condition')) || 'not-running';
    if (!CONDITIONS.includes(condition)) throw invalid(`invalid condition: "${condition}"`);
    const result = containers.wait(idOf(ctx), condition as WaitCondition, ctx.signal);
    // Refuse an unknown container before the head goes out; clients wait for the head to know that the wait has begun.
    const early = await Promise.race([
      result.then((value) => ({ value })),
      new Promise<undefined>((done) => setImmediate(() => done(undefined))),
    ]);
    return stream('application/json', async (sink) => {
      if (early130) sink.start();
      const answer = early ? early.value : await result;
      if (answer && !sink.signal.aborted) await sink.write(`${JSON.stringify(answer)}\n`);
    });
  });
  const attachOptions = (ctx: RequestContext, multiplexed: boolean) => ({
    stdin: boolValue(ctx.query, 'stdin'),
    stdout: boolValue(ctx.query, 'stdout'),
    stderr: boolValue(ctx.query, 'stderr'),
    stream: boolValue(ctx.query, 'stream'),
    logs: boolValue(ctx.query, 'logs'),
    detachKeys: ctx.query.get('detachKeys'),
    multiplexed,
  });
  router.takeOver('POST', '/containers/{id}/attach', (ctx) => {
    const { tty, run } = containers.attach(idOf(ctx), attachOptions(ctx, true));
    return hijack(streamType(ctx, tty), run);
  });
  router.takeOver('GET', '/containers/{id}/attach/ws', (ctx) => {
    const { run } = containers.attach(idOf(ctx), attachOptions(ctx, false));
    return { kind: 'websocket', binary: atLeast(ctx.apiVersion, '1.28'), run };
  });
}

/** Since 1.42 a client is told whether the stream is multiplexed. */
export const streamType = (ctx: RequestContext, tty: boolean): string =>
  !tty && atLeast(ctx.apiVersion, '1.42') ? MULTIPLEXED_STREAM : RAW_STREAM;
