import { EngineError, invalid, notImplemented } from '../api/errors.ts';
import type { AuthConfig, ImageSummary } from '../api/image.ts';
import { atLeast } from '../api/version.ts';
import type { ImageBackend } from '../images/types.ts';
import { addImageArchiveRoutes, importReply } from './image-archives-router.ts';
import { progressStream } from './progress-stream.ts';
import { boolValue, parseFilters } from './query.ts';
import { empty, json, type Reply, type RequestContext, type Router } from './router.ts';

const LIST_FILTERS = ['dangling', 'label', 'before', 'since', 'until', 'reference'];
const PRUNE_FILTERS = ['dangling', 'label', 'label!', 'until'];

/** What a registry has under a name, asked without pulling it. */
export interface DistributionInspector {
  distribution(reference: string, auth: AuthConfig | undefined, signal: AbortSignal): Promise<unknown>;
}

/** `X-Registry-Auth`: base64url JSON. As in dockerd, what cannot be read counts as no credentials. */
function registryAuth(ctx: RequestContext): AuthConfig | undefined {
  const header = ctx.req.headers['x-registry-auth'];
  if (typeof header !== 'string' || header === '') return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function create(ctx: RequestContext, images: ImageBackend): Reply {
  const fromImage = ctx.query.get('fromImage') ?? '';
  if (fromImage === '') {
    if (!ctx.query.get('fromSrc')) throw invalid('invalid reference format');
    return importReply(ctx, images);
  }
  const auth = registryAuth(ctx);
  const tag = ctx.query.get('tag') ?? '';
  const platform = ctx.query.get('platform') ?? '';
  return progressStream(ctx, (request) =>
    images.pull({
      ...request,
      image: fromImage,
      ...(tag === '' ? {} : { tag }),
      ...(platform === '' ? {} : { platform }),
      ...(auth ? { auth } : {}),
    }),
  );
}

/** Before 1.43 images without a name were shown with one. */
function forVersion(summary: ImageSummary, version: string): ImageSummary {
  if (atLeast(version, '1.43')) return summary;
  const none = summary.RepoTags.length === 0;
  return {
    ...summary,
    RepoTags: none ? ['<none>:<none>'] : summary.RepoTags,
    RepoDigests: none && summary.RepoDigests.length === 0 ? ['<none>@<none>'] : summary.RepoDigests,
    ...(atLeast(version, '1.44') ? {} : { VirtualSize: summary.Size }),
  };
}

async function list(ctx: RequestContext, images: ImageBackend): Promise<Reply> {
  const filters = new Map(parseFilters(ctx.query, LIST_FILTERS));
  const older = ctx.query.get('filter');
  if (older && !atLeast(ctx.apiVersion, '1.41')) filters.set('reference', new Set([older]));
  const found = await images.list({
    all: boolValue(ctx.query, 'all'),
    filters,
    sharedSize: boolValue(ctx.query, 'shared-size'),
  });
  return json(found.map((summary) => forVersion(summary, ctx.apiVersion)));
}

const nameOf = (ctx: RequestContext) => ctx.params['name'] ?? '';

/** Routes below /images, with /auth and /distribution. Names have slashes: the routes with a last word come before the bare ones. */
export function addImageRoutes(router: Router, images: ImageBackend & Partial<DistributionInspector>): void {
  router.get('/images/json', (ctx) => list(ctx, images));
  router.get('/images/search', () => {
    throw notImplemented('searching a registry is not supported: name the image to pull it');
  });
  addImageArchiveRoutes(router, images);
  router.post('/images/create', (ctx) => create(ctx, images));
  router.post('/images/prune', async (ctx) => json(await images.prune(parseFilters(ctx.query, PRUNE_FILTERS))));
  router.get('/images/{name...}/json', async (ctx) => {
    const { RepoTags, ...rest } = await images.inspect(nameOf(ctx));
    return json({ ...rest, RepoTags, ...(atLeast(ctx.apiVersion, '1.44') ? {} : { VirtualSize: rest.Size }) });
  });
  router.get('/images/{name...}/history', async (ctx) => json(await images.history(nameOf(ctx))));
  router.post('/images/{name...}/tag', async (ctx) => {
    await images.tag(nameOf(ctx), ctx.query.get('repo') ?? '', ctx.query.get('tag') ?? '');
    return empty(201);
  });
  router.post('/images/{name...}/push', (ctx) => {
    const auth = registryAuth(ctx);
    const tag = ctx.query.get('tag') ?? '';
    return progressStream(ctx, (request) =>
      images.push({ ...request, image: nameOf(ctx), ...(tag === '' ? {} : { tag }), ...(auth ? { auth } : {}) }),
    );
  });
  router.delete('/images/{name...}', async (ctx) =>
    json(
      await images.remove(nameOf(ctx), {
        force: boolValue(ctx.query, 'force'),
        noprune: boolValue(ctx.query, 'noprune'),
      }),
    ),
  );
  router.post('/auth', async (ctx) => json(await images.auth(await ctx.json<AuthConfig>())));
  router.get('/distribution/{name...}/json', async (ctx) => {
    if (!images.distribution) throw new EngineError('not-found', 'page not found');
    return json(await images.distribution(nameOf(ctx), registryAuth(ctx), ctx.signal));
  });
}
