import { createHash } from 'node:crypto';
import { EngineError, systemError } from '../../api/errors.ts';
import type { AuthConfig } from '../../api/image.ts';
import type { Challenge } from './challenge.ts';
import { readBody, send } from './transport.ts';

export interface Credentials {
  username: string;
  password: string;
  identityToken: string;
  registryToken: string;
}

/** What the client sent, in whichever of Docker's forms. */
export function credentialsOf(auth: AuthConfig | undefined): Credentials {
  let username = auth?.username ?? '';
  let password = auth?.password ?? '';
  if (username === '' && auth?.auth) {
    const decoded = Buffer.from(auth.auth, 'base64').toString('utf8');
    const at = decoded.indexOf(':');
    if (at > 0) [username, password] = [decoded.slice(0, at), decoded.slice(at + 1).replace(/\0+$/, '')];
  }
  return { username, password, identityToken: auth?.identitytoken ?? '', registryToken: auth?.registrytoken ?? '' };
}

interface TokenAnswer {
  token?: string;
  access_token?: string;
  refresh_token?: string;
  expires_in?: number;
}
interface CachedToken {
  header: string;
  /** milliseconds since the epoch */
  expires: number;
}

/** Tokens are good for at least a minute (distribution, token specification). */
const MIN_LIFETIME = 60;
const CLIENT_ID = 'docker';

/** Bearer tokens by service, scope and who asked, until they expire. In memory only. */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken>();

  key(challenge: Challenge, scope: string, credentials: Credentials): string {
    const who = createHash('sha256').update(JSON.stringify(credentials)).digest('base64');
    return [challenge.parameters['realm'], challenge.parameters['service'], scope, who].join('\n');
  }
  get(key: string): string | undefined {
    const found = this.#tokens.get(key);
    if (found && found.expires > Date.now()) return found.header;
    this.#tokens.delete(key);
    return undefined;
  }
  set(key: string, header: string, seconds: number): void {
    if (this.#tokens.size > 256) this.#tokens.clear();
    this.#tokens.set(key, { header, expires: Date.now() + seconds * 900 });
  }
  delete(key: string): void {
    this.#tokens.delete(key);
  }
}

export const basic = ({ username, password }: Credentials) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/**
 * Asks the token service named in the challenge (https://distribution.github.io/distribution/spec/auth/token/; with an identity
 * token: /oauth/). Resolves to the `Authorization` header and, for `docker login`, the identity token when one was given.
 */
export async function fetchToken(
  challenge: Challenge,
  scope: string,
  credentials: Credentials,
  options: { insecureTls: boolean; signal?: AbortSignal; offline?: boolean },
): Promise<{ header: string; seconds: number; identityToken: string }> {
  const { realm, service } = challenge.parameters;
  if (realm === undefined || !/^https?:\/\//.test(realm))
    throw systemError('no realm was specified in the registry’s challenge');
  const url = new URL(realm);
  const oauth = credentials.identityToken !== '';
  const form = new URLSearchParams();
  if (service !== undefined) form.set('service', service);
  for (const one of scope.split(' ').filter(Boolean)) form.append('scope', one);
  const headers: Record<string, string> = {};
  if (oauth) {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', credentials.identityToken);
    form.set('client_id', CLIENT_ID);
    headers['Content-Type'] = 'application/x-www-form-urlencoded';
  } else {
    if (options.offline) form.set('offline_token', 'true');
    form.set('client_id', CLIENT_ID);
    if (credentials.username !== '') {
      form.set('account', credentials.username);
      headers['Authorization'] = basic(credentials);
    }
    for (const [name, value] of form) url.searchParams.append(name, value);
  }
  const response = await send({
    method: oauth ? 'POST' : 'GET',
    url: url.href,
    headers,
    ...(oauth ? { body: Buffer.from(form.toString()) } : {}),
    signal: options.signal,
    insecureTls: options.insecureTls,
  });
  const body = await readBody(response);
  if (response.status !== 200) throw tokenRefused(response.status, url, body);
  const answer = parse(body);
  const token = answer.token ?? answer.access_token;
  if (token === undefined) throw systemError('authorization server did not include a token in the response');
  return {
    header: `Bearer ${token}`,
    seconds: Math.max(answer.expires_in ?? 0, MIN_LIFETIME),
    identityToken: answer.refresh_token ?? '',
  };
}

function parse(body: Buffer): TokenAnswer {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // said below
  }
  throw systemError('unable to decode token response');
}

function tokenRefused(status: number, url: URL, body: Buffer): EngineError {
  let detail = body.toString('utf8').trim().slice(0, 200);
  try {
    const value = JSON.parse(body.toString('utf8')) as { details?: string; errors?: { message?: string }[] };
    detail = value.errors?.[0]?.message ?? value.details ?? detail;
  } catch {
    // plain text
  }
  if (status === 401)
    return new EngineError('unauthorized', `unauthorized: ${detail || 'incorrect username or password'}`);
  if (status === 403)
    return new EngineError('forbidden', `denied: ${detail || 'requested access to the resource is denied'}`);
  return systemError(`failed to fetch token from ${url.origin}${url.pathname}: ${status} ${detail}`.trim());
}
