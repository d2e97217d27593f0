import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { EngineError } from '../../api/errors.ts';
import { describeNetworkError } from './network-error.ts';

/** One HTTP exchange with a registry. Redirects are followed; what proves who we are never goes to another host. */
export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  url: string;
  headers?: Record<string, string>;
  body?: Uint8Array | NodeJS.ReadableStream;
  signal?: AbortSignal;
  /** the server's certificate is not checked (insecure-registries) */
  insecureTls?: boolean;
  /** default: true for GET and HEAD */
  followRedirects?: boolean;
}
export interface HttpResponse {
  status: number;
  headers: IncomingMessage['headers'];
  body: IncomingMessage;
  /** after redirects */
  url: string;
}

const MAX_REDIRECTS = 10;
/** milliseconds of silence after which a connection counts as dead */
const IDLE_TIMEOUT = 60_000;
const PRIVATE_HEADERS = ['authorization', 'cookie', 'www-authenticate'];

// Proxies come from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as for dockerd.
const agentOptions = {
  keepAlive: true,
  maxSockets: 16,
  timeout: IDLE_TIMEOUT,
  scheduling: 'lifo' as const,
  proxyEnv: process.env,
};
let agents: { http: HttpAgent; secure: HttpsAgent; insecure: HttpsAgent } | undefined;
function agentsOf() {
  return (agents ??= {
    http: new HttpAgent(agentOptions),
    secure: new HttpsAgent(agentOptions),
    insecure: new HttpsAgent({ ...agentOptions, rejectUnauthorized: false }),
  });
}

/** Closes idle connections; the next request opens new ones. */
export function closeConnections(): void {
  if (!agents) return;
  for (const agent of Object.values(agents)) agent.destroy();
  agents = undefined;
}

function exchange(options: HttpRequest, url: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    const secure = url.startsWith('https:');
    const { http, secure: checked, insecure } = agentsOf();
    const send = secure ? httpsRequest : httpRequest;
    const agent = secure ? (options.insecureTls ? insecure : checked) : http;
    const sent = send(url, { method: options.method, headers, agent, signal: options.signal }, done);
    sent.on('error', (error) => {
      if (options.signal?.aborted) fail(new EngineError('cancelled', 'context canceled'));
      else fail(describeNetworkError(error, options.method, url));
    });
    sent.setTimeout(IDLE_TIMEOUT, () => sent.destroy(Object.assign(new Error('idle'), { code: 'ETIMEDOUT' })));
    const { body } = options;
    if (body === undefined || body instanceof Uint8Array) sent.end(body);
    else {
      body.on('error', (error) => sent.destroy(error));
      body.pipe(sent);
    }
  });
}

/** Sends the request; resolves with the head, whatever the status. Throws EngineError in dockerd's words when no answer comes. */
export async function send(options: HttpRequest): Promise<HttpResponse> {
  let url = options.url;
  let headers: Record<string, string> = { 'User-Agent': 'berth/0.1', ...options.headers };
  const follow = options.followRedirects ?? (options.method === 'GET' || options.method === 'HEAD');
  for (let hop = 0; ; hop += 1) {
    if (options.signal?.aborted) throw new EngineError('cancelled', 'context canceled');
    const body = await exchange(options, url, headers);
    const status = body.statusCode ?? 0;
    const location = body.headers.location;
    if (!follow || location === undefined || ![301, 302, 303, 307, 308].includes(status))
      return { status, headers: body.headers, body, url };
    body.resume();
    if (hop >= MAX_REDIRECTS)
      throw new EngineError('system', `${options.method} "${options.url}": stopped after ${MAX_REDIRECTS} redirects`);
    const next = new URL(location, url);
    if (next.protocol !== 'http:' && next.protocol !== 'https:')
      throw new EngineError(
        'system',
        `${options.method} "${options.url}": unsupported protocol scheme "${next.protocol.slice(0, -1)}"`,
      );
    if (next.host !== new URL(url).host || (url.startsWith('https:') && next.protocol === 'http:'))
      headers = Object.fromEntries(
        Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.includes(name.toLowerCase())),
      );
    url = next.href;
  }
}

/** The whole body, at most `limit` bytes. */
export async function readBody(response: HttpResponse, limit = 4 * 1024 * 1024): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit)
        throw new EngineError('system', `the answer of ${new URL(response.url).host} is larger than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw describeNetworkError(error as Error, 'GET', response.url);
  }
  return Buffer.concat(chunks);
}
