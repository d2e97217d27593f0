import type { HostPortAnswer, HostPortMessage, UsageTick } from '../api/berth.ts';
import type { IsolationBackend } from '../services/isolation/create.ts';
import type { StatsBackend } from '../services/stats/create.ts';
import type { SystemBackend } from '../services/system/create.ts';
import { empty, json, stream, type Router, type StreamSink } from './router.ts';

/** Questions to who holds the guest that this engine runs in. */
interface HostPortBackend {
  /** the result ends it */
  listen(tell: (message: HostPortMessage) => void): () => void;
  answer(ask: number, refused?: string): void;
}

export interface BerthBackends {
  system: Pick<SystemBackend, 'berth'>;
  stats: Pick<StatsBackend, 'history' | 'watch'>;
  isolation: IsolationBackend;
  hostPorts: HostPortBackend;
}

/** What only this engine serves, under /berth/v1 (agent/api/berth.ts). */
export function addBerthRoutes(router: Router, { system, stats, isolation, hostPorts }: BerthBackends): void {
  const container = (params: Record<string, string>) => params['id'] as string;
  router.get('/berth/v1/system', () => json(system.berth()));
  router.get('/berth/v1/cgroups', () => json(isolation.tree()));
  router.get('/berth/v1/cgroup', async ({ query }) => json(await isolation.group(query.get('path') ?? '')));
  router.get('/berth/v1/namespaces', async () => json(await isolation.namespaces()));
  router.get('/berth/v1/pressure', () => json(isolation.machinePressure()));
  router.get('/berth/v1/usage', () => stream('application/x-ndjson', (sink) => sendTicks(sink, stats)));
  router.get('/berth/v1/host-ports', () => stream('application/x-ndjson', (sink) => sendAsks(sink, hostPorts)));
  router.post('/berth/v1/host-ports/{ask}', async (ctx) => {
    const { refused } = await ctx.json<HostPortAnswer>({ optional: true });
    hostPorts.answer(Number(ctx.params['ask']), typeof refused === 'string' ? refused : undefined);
    return empty();
  });
  router.get('/berth/v1/containers/{id}/history', (ctx) => json(stats.history(container(ctx.params))));
  router.get('/berth/v1/containers/{id}/isolation', async (ctx) =>
    json(await isolation.isolation(container(ctx.params))),
  );
  router.get('/berth/v1/containers/{id}/pressure', (ctx) => json(isolation.pressure(container(ctx.params))));
}

/** A client that does not keep up misses ticks instead of having them pile up. */
async function sendTicks(sink: StreamSink, stats: Pick<StatsBackend, 'watch'>): Promise<void> {
  sink.start();
  let next: UsageTick | undefined;
  let wake: (() => void) | undefined;
  const stop = stats.watch((tick) => {
    next = tick;
    wake?.();
  });
  const aborted = () => wake?.();
  sink.signal.addEventListener('abort', aborted, { once: true });
  try {
    while (!sink.signal.aborted) {
      if (next === undefined) {
        await new Promise<void>((done) => (wake = done));
        continue;
      }
      const tick = next;
      next = undefined;
      await sink.line(tick);
    }
  } finally {
    stop();
    sink.signal.removeEventListener('abort', aborted);
  }
}

/** Until the client goes. */
async function sendAsks(sink: StreamSink, hostPorts: Pick<HostPortBackend, 'listen'>): Promise<void> {
  sink.start();
  const stop = hostPorts.listen((message: HostPortMessage) => void sink.line(message).catch(() => undefined));
  try {
    await new Promise<void>((done) => sink.signal.addEventListener('abort', () => done(), { once: true }));
  } finally {
    stop();
  }
}
