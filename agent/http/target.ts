import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { invalid, notFound } from '../api/errors.ts';
import { API_VERSION, MIN_API_VERSION, atLeast } from '../api/version.ts';
import { readJson } from './json-body.ts';
import type { Reply, RequestContext, Router } from './router.ts';

interface Target {
  path: string;
  query: URLSearchParams;
  apiVersion: string;
}

/** Splits "/v1.41/containers/json?all=1". */
function parseTarget(target: string): Target {
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  const query = new URLSearchParams(at < 0 ? '' : target.slice(at + 1));
  const match = /^\/v([0-9.]+)(\/.*)$/.exec(path);
  return match
    ? { path: match[2] as string, query, apiVersion: match[1] as string }
    : { path, query, apiVersion: API_VERSION };
}

/** In dockerd's words. */
function checkVersion(apiVersion: string): void {
  if (!atLeast(apiVersion, MIN_API_VERSION))
    throw invalid(
      `client version ${apiVersion} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  if (!atLeast(API_VERSION, apiVersion))
    throw invalid(`client version ${apiVersion} is too new. Maximum supported API version is ${API_VERSION}`);
}

/** Finds the route of a request and asks it. A path that is unknown is told of before a version that is. */
export async function route(
  router: Router,
  req: IncomingMessage,
  body: () => Readable,
  signal: AbortSignal,
): Promise<Reply> {
  const method = req.method ?? 'GET';
  const { path, query, apiVersion } = parseTarget(req.url ?? '/');
  let found: ReturnType<Router['find']>;
  try {
    found = router.find(method, path);
  } catch (error) {
    throw invalid(`invalid URL escape in ${JSON.stringify(path)}`, error);
  }
  if (!found) throw notFound('page not found');
  checkVersion(apiVersion);
  const ctx: RequestContext = {
    req,
    method,
    path,
    params: found.params,
    query,
    apiVersion,
    signal,
    json: (options) => readJson(req.headers, body(), options ?? {}),
  };
  return found.handler(ctx);
}
