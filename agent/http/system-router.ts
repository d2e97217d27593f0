import { EngineError, invalid, notFound, notImplemented } from '../api/errors.ts';
import { atLeast } from '../api/version.ts';
import { DISK_USAGE_KINDS, type DiskUsageKind } from '../services/system/disk-usage.ts';
import type { SystemBackend } from '../services/system/create.ts';
import { infoFor } from './compat.ts';
import { parseFilters } from './query.ts';
import { empty, json, type Handler, type Reply, type RequestContext, type Router } from './router.ts';

const PING_HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'Builder-Version': '1',
  'Cache-Control': 'no-cache, no-store, must-revalidate',
  Pragma: 'no-cache',
  Swarm: 'inactive',
};
const NO_SWARM =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
const SWARM_PATHS = [
  '/swarm',
  '/swarm/{rest...}',
  '/nodes',
  '/nodes/{rest...}',
  '/services',
  '/services/{rest...}',
  '/tasks',
  '/tasks/{rest...}',
];
const SWARM_STORE_PATHS = ['/secrets', '/secrets/{rest...}', '/configs', '/configs/{rest...}'];

/** /_ping, /version, /info, /system/df, /plugins, and the refusal of everything that needs a swarm. */
export function addSystemRoutes(router: Router, system: Pick<SystemBackend, 'version' | 'info' | 'diskUsage'>): void {
  router.get('/_ping', () => text('OK', PING_HEADERS));
  router.head('/_ping', () => ({ kind: 'empty', status: 200, headers: { ...PING_HEADERS, 'Content-Length': '0' } }));
  router.get('/version', () => json(system.version()));
  router.get('/info', async (ctx) => json(infoFor(await system.info(), ctx.apiVersion)));
  router.get('/system/df', async (ctx) => json(await system.diskUsage(diskUsageKinds(ctx), ctx.apiVersion)));
  addPluginRoutes(router);
  router.add('OPTIONS', '/{any...}', () => empty(200));
  const refuse: Handler = () => {
    throw new EngineError('unavailable', NO_SWARM);
  };
  for (const path of [...SWARM_PATHS, ...SWARM_STORE_PATHS]) {
    router.get(path, refuse);
    router.post(path, refuse);
    router.delete(path, refuse);
  }
}

/** There are none, and none can be installed. */
function addPluginRoutes(router: Router): void {
  const unknown: Handler = ({ params }) => {
    throw notFound(`plugin "${params['name'] ?? ''}" not found`);
  };
  const refuse: Handler = () => {
    throw notImplemented('managed plugins are not supported by this engine');
  };
  router.get('/plugins', ({ query }) => {
    parseFilters(query, ['capability', 'enabled']);
    return json([]);
  });
  router.get('/plugins/privileges', refuse);
  router.post('/plugins/pull', refuse);
  router.post('/plugins/create', refuse);
  router.get('/plugins/{name}/json', unknown);
  router.delete('/plugins/{name}', unknown);
  for (const verb of ['enable', 'disable', 'upgrade', 'push', 'set']) router.post(`/plugins/{name}/${verb}`, unknown);
}

function diskUsageKinds({ query, apiVersion }: RequestContext): ReadonlySet<DiskUsageKind> {
  const kinds = new Set<DiskUsageKind>();
  if (!atLeast(apiVersion, '1.42')) return kinds;
  for (const type of query.getAll('type')) {
    const kind = DISK_USAGE_KINDS.find((known) => known === type);
    if (!kind) throw invalid(`unknown object type: ${type}`);
    kinds.add(kind);
  }
  return kinds;
}

/** A short text; the server's own head for a stream would be chunked. */
function text(body: string, headers: Record<string, string>): Reply {
  return {
    kind: 'stream',
    contentType: headers['Content-Type'] ?? 'text/plain',
    headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)) },
    run: (sink) => sink.write(body),
  };
}
