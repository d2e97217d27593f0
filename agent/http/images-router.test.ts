import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notFound } from '../api/errors.ts';
import type { ImageBackend, PullRequest } from '../images/types.ts';
import { addImageRoutes } from './images-router.ts';
import { Router } from './router.ts';
import { createEngineServer } from './server.ts';

let server: Server;
let pulled: Partial<PullRequest> = {};
let work: (request: PullRequest) => Promise<void>;
let called: unknown[] = [];
const summary = {
  Id: 'sha256:1',
  ParentId: '',
  RepoTags: [],
  RepoDigests: [],
  Created: 1,
  Size: 2,
  SharedSize: -1,
  Labels: null,
  Containers: 0,
};

function backend(): ImageBackend {
  const record =
    <T>(name: string, result: T) =>
    (...args: unknown[]) => {
      called = [name, ...args];
      return Promise.resolve(result);
    };
  return {
    list: record('list', [summary]),
    inspect: (name: string) => Promise.reject(notFound(`No such image: ${name}`)),
    history: record('history', []),
    pull: (asked) => work((pulled = asked) as PullRequest),
    push: (asked) => work((pulled = asked) as PullRequest),
    save: record('save', undefined),
    load: record('load', undefined),
    import: record('import', undefined),
    tag: record('tag', undefined),
    remove: record('remove', [{ Untagged: 'x:1' }]),
    prune: record('prune', { ImagesDeleted: null, SpaceReclaimed: 0 }),
    auth: record('auth', { Status: 'Login Succeeded', IdentityToken: '' }),
  };
}

beforeEach(async () => {
  const router = new Router();
  addImageRoutes(router, backend());
  server = createEngineServer({ router, onError: () => undefined });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  work = () => Promise.resolve();
  called = [];
});
afterEach(() => new Promise((done) => server.close(done).closeAllConnections()));

function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<{ status: number; text: string }> {
  return new Promise((done, fail) => {
    const sent = request(
      {
        method,
        path,
        headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
        port: (server.address() as AddressInfo).port,
      },
      (res) => {
        let text = '';
        res.on('data', (chunk: Buffer) => (text += chunk.toString()));
        res.on('end', () => done({ status: res.statusCode ?? 0, text }));
      },
    );
    sent.on('error', fail);
    sent.end(body);
  });
}

describe('image routes', () => {
  it('hand a pull’s name, tag, platform and credentials on', async () => {
    const auth = { username: 'ü', password: '?>' };
    const header = Buffer.from(JSON.stringify(auth)).toString('base64url');
    work = async ({ onProgress }) => onProgress({ status: 'done', id: 'x' });
    const answer = await ask(
      'POST',
      '/v1.41/images/create?fromImage=127.0.0.1%3A5000%2Fa%2Fb&tag=1&platform=linux%2Farm64',
      { 'X-Registry-Auth': header },
    );
    expect(answer).toEqual({ status: 200, text: '{"status":"done","id":"x"}\r\n' });
    expect(pulled).toMatchObject({ image: '127.0.0.1:5000/a/b', tag: '1', platform: 'linux/arm64', auth });
    await ask('POST', '/images/create?fromImage=a', { 'X-Registry-Auth': 'nonsense' });
    expect(pulled.auth).toBeUndefined();
  });

  it('answer a failure before the first line with its status, and after it with a line', async () => {
    work = () => Promise.reject(notFound('manifest for a:1 not found: manifest unknown: manifest unknown'));
    expect(await ask('POST', '/images/create?fromImage=a&tag=1')).toEqual({
      status: 404,
      text: '{"message":"manifest for a:1 not found: manifest unknown: manifest unknown"}\n',
    });
    work = ({ onProgress }) => {
      onProgress({ status: 'Pulling' });
      return Promise.reject(notFound('gone'));
    };
    expect(await ask('POST', '/images/create?fromImage=a')).toEqual({
      status: 200,
      text: '{"status":"Pulling"}\r\n{"errorDetail":{"message":"gone"},"error":"gone"}\r\n',
    });
  });

  it('cancel a pull whose client goes away', async () => {
    let cancelled: () => void = () => undefined;
    const aborted = new Promise<void>((done) => (cancelled = done));
    work = ({ signal, onProgress }) => {
      onProgress({ status: 'Pulling' });
      return new Promise((_done, fail) =>
        signal.addEventListener('abort', () => (cancelled(), fail(new Error('cancelled')))),
      );
    };
    const sent = request(
      { method: 'POST', path: '/images/create?fromImage=a', port: (server.address() as AddressInfo).port },
      (res) => res.once('data', () => sent.destroy()),
    );
    sent.on('error', () => undefined);
    sent.end();
    await aborted;
  });

  it('refuse what they cannot do', async () => {
    expect((await ask('POST', '/images/create')).status).toBe(400);
    expect((await ask('GET', '/images/search?term=x')).status).toBe(501);
    expect(await ask('GET', '/images/json?filters=%7B%22nonsense%22%3A%5B%22x%22%5D%7D')).toEqual({
      status: 400,
      text: '{"message":"invalid filter \'nonsense\'"}\n',
    });
    expect(await ask('GET', '/images/a%2Fb:1/json')).toEqual({
      status: 404,
      text: '{"message":"No such image: a/b:1"}\n',
    });
  });

  it('find names with slashes', async () => {
    expect((await ask('POST', '/images/127.0.0.1:5000/a/b:1/tag?repo=x%2Fy&tag=2')).status).toBe(201);
    expect(called).toEqual(['tag', '127.0.0.1:5000/a/b:1', 'x/y', '2']);
    expect((await ask('DELETE', '/images/a/b/json:1?force=1')).status).toBe(200);
    expect(called).toEqual(['remove', 'a/b/json:1', { force: true, noprune: false }]);
    await ask('GET', '/v1.30/images/a/b/history');
    expect(called.slice(0, 2)).toEqual(['history', 'a/b']);
    await ask('POST', '/auth', { 'Content-Type': 'application/json' }, '{"username":"me"}');
    expect(called).toEqual(['auth', { username: 'me' }]);
  });

  it('show older clients images without a name as they expect them', async () => {
    const [old] = JSON.parse((await ask('GET', '/v1.41/images/json')).text) as Record<string, unknown>[];
    expect(old).toMatchObject({ RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'], VirtualSize: 2 });
    const [now] = JSON.parse((await ask('GET', '/v1.51/images/json')).text) as Record<string, unknown>[];
    expect(now).toEqual(summary);
  });
});
