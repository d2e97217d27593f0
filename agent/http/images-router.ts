import { EngineError, invalid, notImplemented } from '../api/errors.ts';
import type { AuthConfig } from '../api/image.ts';
import { AUTH_CONFIG } from '../api/request-schema.ts';
import { atLeast } from '../api/version.ts';
import type { ImageBackend } from '../images/types.ts';
import { addImageArchiveRoutes, importReply } from './image-archives-router.ts';
import { inspectFor, summaryFor } from './image-versions.ts';
import { platformOf } from './platform-query.ts';
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

async function list(ctx: RequestContext, images: ImageBackend): Promise<Reply> {
  const filters = new Map(parseFilters(ctx.query, LIST_FILTERS));
  const older = ctx.query.get('filter');
  if (older && !atLeast(ctx.apiVersion, '1.41')) filters.set('reference', new Set([older]));
  const found = await images.list({
    all: boolValue(ctx.query, 'all'),
    filters,
    sharedSize: atLeast(ctx.apiVersion, '1.42') && boolValue(ctx.query, 'shared-size'),
  });
  return json(found.map((summary) => summaryFor(summary, ctx.apiVersion)));
}

const nameOf = (ctx: RequestContext) => ctx.params['name'] ?? '';

/** The platform asked for, from the version on that has the parameter. */
const platformSince = (ctx: RequestContext, version: string) =>
  atLeast(ctx.apiVersion, version) ? platformOf(ctx.query.get('platform')) : undefined;

async function inspect(ctx: RequestContext, images: ImageBackend): Promise<Reply> {
  const platform = platformSince(ctx, '1.49');
  if (platform && atLeast(ctx.apiVersion, '1.48') && boolValue(ctx.query, 'manifests'))
    throw invalid('conflicting options: manifests and platform options cannot both be set');
  return json(inspectFor(await images.inspect(nameOf(ctx), platform), ctx.apiVersion));
}

async function remove(ctx: RequestContext, images: ImageBackend): Promise<Reply> {
  if (nameOf(ctx).trim() === '') throw invalid('image name cannot be blank');
  const platforms = atLeast(ctx.apiVersion, '1.50') ? ctx.query.getAll('platforms').map(platformOf) : [];
  if (platforms.length > 1) throw invalid('multiple platforms are not supported');
  const [platform] = platforms;
  const force = boolValue(ctx.query, 'force');
  const noprune = boolValue(ctx.query, 'noprune');
  return json(await images.remove(nameOf(ctx), { force, noprune, ...(platform ? { platform } : {}) }));
}

function search(ctx: RequestContext): never {
  const limit = ctx.query.get('limit') ?? '';
  if (limit !== '' && !/^\d+$/.test(limit)) throw invalid('invalid limit specified');
  throw notImplemented(
    'searching is not supported, since Berth asks no index of images: look the image up at its registry and pull it by name',
  );
}

/** Routes below /images, with /auth and /distribution. Names have slashes: the routes with a last word come before the bare ones. */
export function addImageRoutes(router: Router, images: ImageBackend & Partial<DistributionInspector>): void {
  router.get('/images/json', (ctx) => list(ctx, images));
  router.get('/images/search', search);
  addImageArchiveRoutes(router, images);
  router.post('/images/create', (ctx) => create(ctx, images));
  router.post('/images/prune', async (ctx) => json(await images.prune(parseFilters(ctx.query, PRUNE_FILTERS))));
  router.get('/images/{name...}/json', (ctx) => inspect(ctx, images));
  router.get('/images/{name...}/history', async (ctx) =>
    json(await images.history(nameOf(ctx), platformSince(ctx, '1.48'))),
  );
  router.post('/images/{name...}/tag', async (ctx) => {
    await images.tag(nameOf(ctx), ctx.query.get('repo') ?? '', ctx.query.get('tag') ?? '');
    return empty(201);
  });
  router.post('/images/{name...}/push', (ctx) => {
    const auth = registryAuth(ctx);
    const tag = ctx.query.get('tag') ?? '';
    platformSince(ctx, '1.46');
    return progressStream(ctx, (request) =>
      images.push({ ...request, image: nameOf(ctx), ...(tag === '' ? {} : { tag }), ...(auth ? { auth } : {}) }),
    );
  });
  router.delete('/images/{name...}', (ctx) => remove(ctx, images));
  router.post('/auth', async (ctx) => json(await images.auth(await ctx.json<AuthConfig>({ shape: AUTH_CONFIG }))));
  router.get('/distribution/{name...}/json', async (ctx) => {
    if (!images.distribution) throw new EngineError('not-found', 'page not found');
    return json(await images.distribution(nameOf(ctx), registryAuth(ctx), ctx.signal));
  });
}
