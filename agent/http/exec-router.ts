import type { ExecConfig } from '../api/container.ts';
import { EXEC_CREATE, EXEC_START } from '../api/request-schema.ts';
import { atLeast } from '../api/version.ts';
import type { ExecBackend, ExecStartRequest } from '../services/exec/types.ts';
import { sizeOf, streamType } from './containers-router.ts';
import { empty, hijack, json, type Router } from './router.ts';

/** /containers/{id}/exec and /exec/{id} */
export function addExecRoutes(router: Router, exec: ExecBackend): void {
  router.post('/containers/{id}/exec', async (ctx) => {
    const config = await ctx.json<ExecConfig>({ shape: EXEC_CREATE });
    if (!atLeast(ctx.apiVersion, '1.42')) delete config.ConsoleSize;
    return json({ Id: await exec.create(ctx.params['id'] as string, config) }, 201);
  });
  router.takeOver('POST', '/exec/{id}/start', async (ctx) => {
    const id = ctx.params['id'] as string;
    const request = await ctx.json<ExecStartRequest>({ optional: true, shape: EXEC_START });
    // Not before 1.42, and none without a console.
    if (!atLeast(ctx.apiVersion, '1.42') || !request.Tty) delete request.ConsoleSize;
    if (request.Detach) {
      await exec.startDetached(id);
      return empty(200);
    }
    const { tty, run } = exec.startAttached(id, request);
    return hijack(streamType(ctx, tty), run);
  });
  router.post('/exec/{id}/resize', async (ctx) => {
    const { height, width } = sizeOf(ctx);
    await exec.resize(ctx.params['id'] as string, height, width);
    return empty(200);
  });
  router.get('/exec/{id}/json', async (ctx) => json(await exec.inspect(ctx.params['id'] as string)));
}
