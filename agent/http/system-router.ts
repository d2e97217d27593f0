import { EngineError, invalid } from '../api/errors.ts';
import { DISK_USAGE_KINDS, type DiskUsageKind } from '../services/system/disk-usage.ts';
import type { SystemBackend } from '../services/system/create.ts';
import { json, type Handler, type Reply, type Router } from './router.ts';

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
  router.get('/info', async () => json(await system.info()));
  router.get('/system/df', async (ctx) => json(await system.diskUsage(diskUsageKinds(ctx.query), ctx.apiVersion)));
  router.get('/plugins', () => json([]));
  const refuse: Handler = () => {
    throw new EngineError('unavailable', NO_SWARM);
  };
  for (const path of [...SWARM_PATHS, ...SWARM_STORE_PATHS]) {
    router.get(path, refuse);
    router.post(path, refuse);
    router.delete(path, refuse);
  }
}

function diskUsageKinds(query: URLSearchParams): ReadonlySet<DiskUsageKind> {
  const kinds = new Set<DiskUsageKind>();
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
