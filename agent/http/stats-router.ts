import { atLeast } from '../api/version.ts';
import type { StatsBackend } from '../services/stats/create.ts';
import { boolValue } from './query.ts';
import { json, stream, type Router } from './router.ts';

/** GET /containers/{id}/stats and /containers/{id}/top */
export function addStatsRoutes(router: Router, stats: Pick<StatsBackend, 'open' | 'top'>): void {
  router.get('/containers/{id}/stats', (ctx) => {
    const streaming = boolValue(ctx.query, 'stream', true);
    const oneShot = atLeast(ctx.apiVersion, '1.41') && boolValue(ctx.query, 'one-shot');
    const run = stats.open(ctx.params['id'] as string, { stream: streaming, oneShot });
    return stream('application/json', async (sink) => {
      if (streaming) sink.start();
      await run.run((sample) => sink.write(`${JSON.stringify(sample)}\n`), sink.signal);
    });
  });
  router.get('/containers/{id}/top', async (ctx) =>
    json(await stats.top(ctx.params['id'] as string, ctx.query.get('ps_args') ?? '')),
  );
}
