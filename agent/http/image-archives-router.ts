import type { ContainerConfig } from '../api/container.ts';
import { invalid } from '../api/errors.ts';
import { CONTAINER_CONFIG } from '../api/request-schema.ts';
import { atLeast } from '../api/version.ts';
import type { CommitBackend, ImageBackend, ImportRequest } from '../images/types.ts';
import { platformOf } from './platform-query.ts';
import { progressStream } from './progress-stream.ts';
import { boolValue } from './query.ts';
import { json, stream, type Reply, type RequestContext, type Router } from './router.ts';

/** The body piece by piece. It stays open when the reading ends early, so that the answer still reaches the client. */
export const bodyOf = (ctx: RequestContext) => ctx.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;

/** POST /images/create without `fromImage`: an archive from the body ("-") or from an address. */
export function importReply(ctx: RequestContext, images: Pick<ImageBackend, 'import'>): Reply {
  const source = ctx.query.get('fromSrc') ?? '';
  const text = (name: string) => ctx.query.get(name) ?? '';
  const platform = text('platform');
  const request: Omit<ImportRequest, 'signal' | 'onProgress'> = {
    source: source === '-' ? bodyOf(ctx) : source,
    repository: text('repo'),
    tag: text('tag'),
    message: text('message') || `Imported from ${source}`,
    changes: ctx.query.getAll('changes'),
    ...(platform === '' ? {} : { platform }),
  };
  return progressStream(ctx, (progress) => images.import({ ...request, ...progress }));
}

function save(ctx: RequestContext, images: ImageBackend, names: string[]): Reply {
  const platform = onePlatform(ctx);
  return stream('application/x-tar', (sink) =>
    images.save({ names, signal: sink.signal, ...(platform ? { platform } : {}) }, async (archive) => {
      for await (const chunk of archive) await sink.write(chunk);
    }),
  );
}

function onePlatform(ctx: RequestContext): string | undefined {
  if (!atLeast(ctx.apiVersion, '1.48')) return undefined;
  if (ctx.query.getAll('platform').length > 1) throw invalid('multiple platform parameters not supported');
  return platformOf(ctx.query.get('platform'));
}

/** Images to and from archives, and from containers. */
export function addImageArchiveRoutes(router: Router, images: ImageBackend): void {
  router.get('/images/get', (ctx) => save(ctx, images, ctx.query.getAll('names')));
  router.get('/images/{name...}/get', (ctx) => save(ctx, images, [ctx.params['name'] ?? '']));
  router.post('/images/load', (ctx) => {
    const platform = onePlatform(ctx);
    const quiet = boolValue(ctx.query, 'quiet', true);
    const request = { body: bodyOf(ctx), quiet, ...(platform ? { platform } : {}) };
    return progressStream(ctx, (progress) => images.load({ ...request, ...progress }), { always: true });
  });
}

/** POST /commit */
export function addCommitRoute(router: Router, { commit }: CommitBackend): void {
  router.post('/commit', async (ctx) => {
    const config = await ctx.json<ContainerConfig>({ optional: true, shape: CONTAINER_CONFIG });
    const text = (name: string) => ctx.query.get(name) ?? '';
    const Id = await commit({
      container: text('container'),
      repository: text('repo'),
      tag: text('tag'),
      author: text('author'),
      comment: text('comment'),
      pause: boolValue(ctx.query, 'pause', true),
      changes: ctx.query.getAll('changes'),
      ...(Object.keys(config).length > 0 ? { config } : {}),
      signal: ctx.signal,
    });
    return json({ Id }, 201);
  });
}
