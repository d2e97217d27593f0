import { invalid } from '../api/errors.ts';
import { NETWORK_CONNECT, NETWORK_CREATE, NETWORK_DISCONNECT } from '../api/request-schema.ts';
import { atLeast } from '../api/version.ts';
import type { EndpointSettings } from '../api/container.ts';
import type { NetworkCreateRequest } from '../api/network.ts';
import type { NetworkBackend } from '../networks/types.ts';
import { parseFilters } from './query.ts';
import { empty, json, type Router } from './router.ts';

const FILTERS = ['driver', 'id', 'label', 'name', 'scope', 'type', 'dangling'];
/** What Go's strconv.ParseBool takes. */
const PARSE_BOOL = /^(1|0|t|f|T|F|true|false|TRUE|FALSE|True|False)$/;
const PRUNE_FILTERS = ['label', 'label!', 'until'];

/** Docker Engine API: /networks. */
export function addNetworkRoutes(router: Router, networks: NetworkBackend): void {
  // Docker answers the list at both.
  for (const path of ['/networks', '/networks/'])
    router.get(path, async ({ query, apiVersion }) =>
      json(await networks.list(parseFilters(query, FILTERS), !atLeast(apiVersion, '1.28'))),
    );
  router.post('/networks/create', async (ctx) => {
    const request = await ctx.json<NetworkCreateRequest>({ shape: NETWORK_CREATE });
    if (!atLeast(ctx.apiVersion, '1.48')) delete request.EnableIPv4;
    return json(await networks.create(request), 201);
  });
  router.post('/networks/prune', async ({ query }) => json(await networks.prune(parseFilters(query, PRUNE_FILTERS))));
  router.post('/networks/{id}/connect', async (ctx) => {
    const { Container, EndpointConfig } = await ctx.json<{
      Container?: string;
      EndpointConfig?: EndpointSettings;
    }>({ shape: NETWORK_CONNECT });
    await networks.connect(param(ctx.params, 'id'), container(Container), EndpointConfig ?? {});
    return empty(200);
  });
  router.post('/networks/{id}/disconnect', async (ctx) => {
    const { Container, Force } = await ctx.json<{ Container?: string; Force?: boolean }>({
      shape: NETWORK_DISCONNECT,
    });
    await networks.disconnect(param(ctx.params, 'id'), container(Container), Force ?? false);
    return empty(200);
  });
  router.get('/networks/{id}', async ({ params, query }) => {
    const verbose = query.get('verbose') ?? '';
    if (verbose !== '' && !PARSE_BOOL.test(verbose))
      throw invalid(
        `invalid value for verbose: ${verbose}: strconv.ParseBool: parsing ${JSON.stringify(verbose)}: invalid syntax`,
      );
    return json(await networks.inspect(param(params, 'id'), query.get('scope') ?? ''));
  });
  router.delete('/networks/{id}', async ({ params }) => {
    await networks.remove(param(params, 'id'));
    return empty();
  });
}

const param = (params: Record<string, string>, name: string): string => params[name] ?? '';

function container(reference: unknown): string {
  if (typeof reference !== 'string' || reference === '') throw invalid('invalid container: value is empty');
  return reference;
}
