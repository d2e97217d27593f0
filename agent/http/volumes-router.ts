import { EngineError } from '../api/errors.ts';
import { VOLUME_CREATE } from '../api/request-schema.ts';
import { atLeast } from '../api/version.ts';
import type { VolumeCreateRequest } from '../api/network.ts';
import type { VolumeBackend } from '../volumes/types.ts';
import { boolValue, parseFilters, type Filters } from './query.ts';
import { empty, json, type Router } from './router.ts';

/** /volumes of the Docker Engine API. */
export function addVolumeRoutes(router: Router, volumes: VolumeBackend): void {
  router.get('/volumes', async ({ query }) =>
    json(await volumes.list(parseFilters(query, ['dangling', 'driver', 'label', 'name']))),
  );
  router.post('/volumes/create', async (ctx) =>
    json(await volumes.create(await ctx.json<VolumeCreateRequest>({ optional: true, shape: VOLUME_CREATE })), 201),
  );
  router.post('/volumes/prune', async ({ query, apiVersion }) => {
    const filters = parseFilters(query, ['label', 'label!', 'all']);
    // Before 1.42 a prune took named volumes too.
    const all: Filters = atLeast(apiVersion, '1.42') ? filters : new Map([...filters, ['all', new Set(['true'])]]);
    return json(await volumes.prune(all));
  });
  router.get('/volumes/{name}', async ({ params }) => json(await volumes.inspect(params['name'] ?? '')));
  router.put('/volumes/{name}', () => {
    throw new EngineError('unavailable', 'volume update only valid for cluster volumes, but swarm is unavailable');
  });
  router.delete('/volumes/{name}', async ({ params, query }) => {
    await volumes.remove(params['name'] ?? '', boolValue(query, 'force'));
    return empty();
  });
}
