import { EngineError, invalid } from '../../api/errors.ts';
import type { AuthConfig } from '../../api/image.ts';
import type { EngineConfig } from '../config.ts';
import { basic, credentialsOf, fetchToken } from '../../images/registry/auth.ts';
import { parseChallenges } from '../../images/registry/challenge.ts';
import { endpointsFor, type Endpoint } from '../../images/registry/endpoints.ts';
import { readBody, send } from '../../images/registry/transport.ts';

/** "https://index.docker.io/v1/", as the client names the Hub, "host:port", or a URL. */
function domainOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  if (host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io') return 'docker.io';
  if (!/^[A-Za-z0-9.[\]:-]+$/.test(host)) throw invalid(`invalid registry address: ${JSON.stringify(address)}`);
  return host;
}

/** POST /auth: proves the credentials to the registry. Throws `unauthorized` when it does not take them. */
export async function checkAuth(
  config: EngineConfig,
  auth: AuthConfig,
): Promise<{ Status: string; IdentityToken: string }> {
  const domain = domainOf(auth.serveraddress ?? '');
  let last: unknown;
  for (const endpoint of endpointsFor({ domain }, config).filter(({ mirror }) => !mirror)) {
    try {
      return await login(endpoint, auth);
    } catch (error) {
      if (error instanceof EngineError && (error.kind === 'unauthorized' || error.kind === 'forbidden')) throw error;
      last = error;
    }
  }
  throw last;
}

async function login(endpoint: Endpoint, auth: AuthConfig): Promise<{ Status: string; IdentityToken: string }> {
  const url = `${endpoint.base}/v2/`;
  const ask = async (headers: Record<string, string>) => {
    const response = await send({ method: 'GET', url, headers, insecureTls: endpoint.insecureTls });
    await readBody(response);
    return response;
  };
  const first = await ask({});
  if (first.status === 200) return { Status: 'Login Succeeded', IdentityToken: '' };
  const challenges = parseChallenges(first.headers['www-authenticate']);
  const credentials = credentialsOf(auth);
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  let identityToken = '';
  let authorization: string | undefined;
  if (bearer) {
    try {
      const token = await fetchToken(bearer, '', credentials, { insecureTls: endpoint.insecureTls, offline: true });
      authorization = token.header;
      identityToken = token.identityToken;
    } catch (error) {
      if (error instanceof EngineError && error.kind === 'unauthorized')
        throw new EngineError('unauthorized', `Get "${url}": ${error.message}`, error);
      throw error;
    }
  } else if (challenges.length > 0) authorization = basic(credentials);
  const second = authorization === undefined ? first : await ask({ Authorization: authorization });
  if (second.status === 200) return { Status: 'Login Succeeded', IdentityToken: identityToken };
  const said = `login attempt to ${url} failed with status: ${second.status} ${second.body.statusMessage ?? ''}`.trim();
  throw new EngineError(second.status === 401 ? 'unauthorized' : 'system', said);
}
