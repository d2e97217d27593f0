import { invalid } from '../api/errors.ts';
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
    json(await volumes.create(checkRequest(await ctx.json({ optional: true }))), 201),
  );
  router.post('/volumes/prune', async ({ query, apiVersion }) => {
    const filters = parseFilters(query, ['label', 'label!', 'all']);
    // Before 1.42 a prune took named volumes too.
    const all: Filters = atLeast(apiVersion, '1.42') ? filters : new Map([...filters, ['all', new Set(['true'])]]);
    return json(await volumes.prune(all));
  });
  router.get('/volumes/{name}', async ({ params }) => json(await volumes.inspect(params['name'] ?? '')));
  router.delete('/volumes/{name}', async ({ params, query }) => {
    await volumes.remove(params['name'] ?? '', boolValue(query, 'force'));
    return empty();
  });
}

function checkRequest(body: Record<string, unknown>): VolumeCreateRequest {
  const wrong = (field: string, value: unknown, type: string) =>
    invalid(
      `invalid JSON: json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go struct field CreateOptions.${field} of type ${type}`,
    );
  for (const field of ['Name', 'Driver'])
    if (body[field] !== undefined && body[field] !== null && typeof body[field] !== 'string')
      throw wrong(field, body[field], 'string');
  for (const field of ['DriverOpts', 'Labels']) {
    const value = body[field] ?? {};
    if (typeof value !== 'object' || Array.isArray(value)) throw wrong(field, value, 'map[string]string');
    for (const item of Object.values(value)) if (typeof item !== 'string') throw wrong(field, item, 'string');
  }
  return body as VolumeCreateRequest;
}
