import { EngineError, systemError } from '../../api/errors.ts';
import type { Reference } from '../reference/parse.ts';
import { basic, fetchToken, type Credentials, type TokenCache } from './auth.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import type { Endpoint } from './endpoints.ts';
import { registryError } from './errors.ts';
import { readBody, send, type HttpRequest, type HttpResponse } from './transport.ts';

export type Action = 'pull' | 'push';
export interface SessionOptions {
  endpoint: Endpoint;
  credentials: Credentials;
  tokens: TokenCache;
  signal?: AbortSignal;
}
export interface RegistryRequest extends Pick<
  HttpRequest,
  'method' | 'headers' | 'body' | 'followRedirects' | 'signal'
> {
  /** below the repository: "manifests/latest"; or a whole URL (upload locations) */
  path: string;
  actions?: readonly Action[];
}

/** A conversation with one endpoint about one repository: knows its challenge and answers it. */
export class RegistrySession {
  readonly endpoint: Endpoint;
  readonly #options: SessionOptions;
  readonly #repository: string;
  readonly #challenges: readonly Challenge[];

  private constructor(options: SessionOptions, repository: string, challenges: readonly Challenge[]) {
    this.endpoint = options.endpoint;
    this.#options = options;
    this.#repository = repository;
    this.#challenges = challenges;
  }

  /** Asks the endpoint for its version, which also tells how it wants to be proved who we are. Throws when it does not answer. */
  static async open(options: SessionOptions, reference: Pick<Reference, 'path'>): Promise<RegistrySession> {
    const { endpoint, signal } = options;
    const response = await send({
      method: 'GET',
      url: `${endpoint.base}/v2/`,
      signal,
      insecureTls: endpoint.insecureTls,
    });
    const body = await readBody(response);
    if (response.status >= 500) throw registryError(response.status, body, '/v2/');
    return new RegistrySession(options, reference.path, parseChallenges(response.headers['www-authenticate']));
  }

  url(path: string): string {
    return path.includes('://') ? path : `${this.endpoint.base}/v2/${this.#repository}/${path}`;
  }

  #scope(actions: readonly Action[]): string {
    return `repository:${this.#repository}:${actions.join(',')}`;
  }

  /** The `Authorization` header for a request; undefined where none is asked for. `fresh` replaces a cached token. */
  async authorization(
    method: string,
    path: string,
    actions: readonly Action[] = ['pull'],
    fresh = false,
  ): Promise<string | undefined> {
    const { credentials, tokens, signal, endpoint } = this.#options;
    if (credentials.registryToken !== '') return `Bearer ${credentials.registryToken}`;
    const bearer = this.#challenges.find((challenge) => challenge.scheme === 'bearer');
    if (bearer) {
      const scope = this.#scope(actions);
      const key = tokens.key(bearer, scope, credentials);
      const cached = fresh ? undefined : tokens.get(key);
      if (cached !== undefined) return cached;
      const { header, seconds } = await fetchToken(bearer, scope, credentials, {
        insecureTls: endpoint.insecureTls,
        signal,
      });
      tokens.set(key, header, seconds);
      return header;
    }
    if (!this.#challenges.some((challenge) => challenge.scheme === 'basic')) return undefined;
    if (credentials.username === '')
      throw systemError(`${method[0]}${method.slice(1).toLowerCase()} "${this.url(path)}": no basic auth credentials`);
    return basic(credentials);
  }

  /** Resolves with the head of an answer with one of `expected`; throws the registry's error for all others. */
  async request(request: RegistryRequest, expected: readonly number[]): Promise<HttpResponse> {
    const response = await this.#authorised(request);
    if (expected.includes(response.status)) return response;
    const body = request.method === 'HEAD' ? Buffer.alloc(0) : await readBody(response);
    if (request.method === 'HEAD') response.body.resume();
    throw registryError(response.status, body, request.path);
  }

  async #authorised(request: RegistryRequest): Promise<HttpResponse> {
    const first = await this.#exchange(request, false);
    const challenged = first.status === 401 && this.#challenges.some((challenge) => challenge.scheme === 'bearer');
    if (!challenged || isStream(request.body) || this.#options.credentials.registryToken !== '') return first;
    // the token may have expired or been revoked: one more, with a new one
    first.body.resume();
    return this.#exchange(request, true);
  }

  async #exchange(request: RegistryRequest, fresh: boolean): Promise<HttpResponse> {
    const { path, actions, headers, ...rest } = request;
    const authorization = await this.authorization(request.method, path, actions, fresh);
    const sent: HttpRequest = {
      ...rest,
      url: this.url(path),
      headers: { ...headers, ...(authorization === undefined ? {} : { Authorization: authorization }) },
      signal: rest.signal ?? this.#options.signal,
      insecureTls: this.endpoint.insecureTls,
    };
    try {
      return await send(sent);
    } catch (error) {
      // a kept-alive connection that the server had closed meanwhile
      const retry =
        error instanceof EngineError && error.kind !== 'cancelled' && /(EOF|reset by peer)$/.test(error.message);
      if (!retry || isStream(request.body) || rest.signal?.aborted) throw error;
      return send(sent);
    }
  }
}

const isStream = (body: RegistryRequest['body']) => body !== undefined && !(body instanceof Uint8Array);
