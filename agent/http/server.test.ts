import { randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { conflict, EngineError, notImplemented } from '../api/errors.ts';
import { atLeast } from '../api/version.ts';
import { call } from '../testing/engine.ts';
import { empty, hijack, json, Router, stream } from './router.ts';
import { createEngineServer } from './server.ts';

let directory: string;
let socket: string;
let server: Server;
const failures: string[] = [];
let endless: Promise<void>;
let ended: () => void = () => undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-http-'));
  socket = join(directory, 's');
  const router = new Router();
  router.get('/names/{name}/json', (ctx) => json({ name: ctx.params['name'], version: ctx.apiVersion }));
  router.get('/images/{name...}/json', (ctx) => json({ image: ctx.params['name'] }));
  router.post('/echo', async (ctx) => json(await ctx.json()));
  router.post('/optional', async (ctx) => json(await ctx.json({ optional: true })));
  router.post('/same', () => {
    throw new EngineError('not-modified', 'same');
  });
  router.get('/conflict', () => {
    throw conflict('in use');
  });
  router.get('/later', () => {
    throw notImplemented('not yet');
  });
  router.get('/bug', () => {
    throw new TypeError('a bug');
  });
  router.delete('/gone', () => empty());
  router.get('/lines', () =>
    stream('application/json', async (sink) => {
      for (let index = 0; index < 3; index += 1) await sink.line({ index });
    }),
  );
  router.get('/early', () => stream('application/json', () => Promise.reject(conflict('before the first byte'))));
  router.get('/cut', () =>
    stream('application/json', async (sink) => {
      await sink.line(1);
      throw new Error('in the middle');
    }),
  );
  router.takeOver('POST', '/shout', async (ctx) => {
    const { prefix } = await ctx.json<{ prefix: string }>();
    if (ctx.query.has('detach')) return empty();
    return hijack('application/vnd.docker.raw-stream', async ({ readable, writable }) => {
      for await (const chunk of readable as AsyncIterable<Buffer>)
        writable.write(prefix + chunk.toString().toUpperCase());
      writable.write('<end>');
    });
  });
  router.takeOver('POST', '/eager', () =>
    hijack('application/vnd.docker.raw-stream', ({ writable }) => {
      writable.write('at once');
      return Promise.resolve();
    }),
  );
  router.get('/endless', () =>
    stream('application/json', async (sink) => {
      sink.start();
      if (!sink.signal.aborted) await new Promise((done) => sink.signal.addEventListener('abort', done));
      ended();
    }),
  );
  router.get('/slow', async () => {
    await new Promise((done) => setTimeout(done, 300));
    return json('late');
  });
  router.takeOver('GET', '/ws', (ctx) => ({
    kind: 'websocket',
    binary: atLeast(ctx.apiVersion, '1.28'),
    run: async ({ readable, writable }) => {
      for await (const chunk of readable.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        writable.write(chunk);
        if (chunk.toString('latin1').endsWith('end')) return;
      }
    },
  }));
  server = createEngineServer({ router, onError: (error) => failures.push(String(error)) });
  await new Promise<void>((done) => server.listen(socket, done));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

const ask = (method: string, path: string, body?: unknown) => call(socket, method, path, body);

/** Writes raw bytes, half-closes after them when asked to, and gives all that comes back. */
function raw(parts: string[], end: boolean): Promise<string> {
  return new Promise((done, fail) => {
    const client = createConnection({ path: socket, allowHalfOpen: true });
    let text = '';
    client.on('data', (chunk: Buffer) => (text += chunk.toString()));
    client.on('error', fail);
    client.on('end', () => {
      client.end();
      done(text);
    });
    void (async () => {
      for (const part of parts) {
        client.write(part);
        await new Promise((next) => setTimeout(next, 20));
      }
      if (end) client.end();
    })();
  });
}

describe('versions and paths', () => {
  it('takes versions from 1.24 on, and none', async () => {
    expect((await ask('GET', '/v1.24/names/a%2Fb/json')).body).toEqual({ name: 'a/b', version: '1.24' });
    expect((await ask('GET', '/names/x/json?q=1')).body).toMatchObject({ version: '1.51' });
    expect((await ask('GET', '/images/host:5000/a/b:1/json')).body).toEqual({ image: 'host:5000/a/b:1' });
    expect((await ask('GET', '/v1.51/names/x/json')).headers).toMatchObject({ 'api-version': '1.51', ostype: 'linux' });
  });
  it.each([
    ['/v1.23/names/x/json', 400, 'client version 1.23 is too old'],
    ['/v1.99/names/x/json', 400, 'client version 1.99 is too new'],
    ['/nope', 404, 'page not found'],
    ['/names/%ZZ/json', 400, 'invalid URL escape'],
  ])('refuses %s', async (path, status, message) => {
    const answer = await ask('GET', path);
    expect(answer.status).toBe(status);
    expect((answer.body as { message: string }).message).toContain(message);
  });
});

describe('errors', () => {
  it('have the status of their kind, and a bug is told of', async () => {
    expect(await ask('GET', '/conflict')).toMatchObject({ status: 409, body: { message: 'in use' } });
    expect(await ask('GET', '/later')).toMatchObject({ status: 501 });
    expect(await ask('POST', '/same')).toMatchObject({ status: 304, text: '' });
    expect(await ask('DELETE', '/gone')).toMatchObject({ status: 204, text: '' });
    failures.length = 0;
    expect(await ask('GET', '/bug')).toMatchObject({ status: 500, body: { message: 'a bug' } });
    expect(failures).toEqual(['TypeError: a bug']);
  });
  it.each([
    ['{', 'invalid JSON: '],
    ['[]', 'invalid JSON: expected an object'],
    ['', 'invalid JSON: got EOF while reading request body'],
    [`{"a":"${'x'.repeat(5 << 20)}"}`, 'request body too large'],
  ])('refuse the body %.10s', async (body, message) => {
    const answer = await ask('POST', '/echo', body);
    expect(answer.status).toBe(400);
    expect((answer.body as { message: string }).message).toContain(message);
  });
  it('let a body be absent where it may be', async () => expect((await ask('POST', '/optional', '')).body).toEqual({}));
  it('answer what is no HTTP', async () => expect(await raw(['nonsense\r\n\r\n'], false)).toContain('400 Bad Request'));
});

describe('streams', () => {
  it('send lines', async () =>
    expect((await ask('GET', '/lines')).text).toBe('{"index":0}\r\n{"index":1}\r\n{"index":2}\r\n'));
  it('answer a failure before the first byte as an error', async () =>
    expect(await ask('GET', '/early')).toMatchObject({ status: 409 }));
  it('end for a client that has gone, or closed its side', async () => {
    for (const end of [true, false]) {
      endless = new Promise((done) => (ended = done));
      const client = createConnection({ path: socket, allowHalfOpen: true });
      client.on('error', () => undefined);
      client.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
      await new Promise((done) => client.once('data', done));
      if (end) client.end();
      else client.destroy();
      await endless;
    }
  });
  it('do not keep an answer from a client that has closed its side', async () => {
    const text = await raw(['GET /slow HTTP/1.1\r\nHost: x\r\n\r\n'], true);
    expect(text).toMatch(/200 OK[\s\S]*"late"/);
  });
  it('cut the connection after it', async () => expect(ask('GET', '/cut')).rejects.toThrow());
});

describe('taken-over connections', () => {
  const body = '{"prefix":"> "}';
  const head = (more: string) =>
    `POST /v1.41/shout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${more}\r\n`;
  const upgrade = head('Connection: Upgrade\r\nUpgrade: tcp\r\n');
  it('are upgraded; input beside and after the request is stdin; a half-close ends it', async () => {
    for (const parts of [
      [upgrade + body, 'abc'],
      [`${upgrade}${body}abc`],
      [upgrade, body.slice(0, 5), body.slice(5), 'abc'],
    ]) {
      const text = await raw(parts, true);
      expect(text).toMatch(/^HTTP\/1\.1 101 /);
      expect(text).toContain('Content-Type: application/vnd.docker.raw-stream');
      expect(text.endsWith('\r\n\r\n> ABC<end>')).toBe(true);
    }
  });
  it('send nothing with the head, which a slow client may read through a buffer of its own', async () => {
    const client = createConnection(socket).pause();
    client.write('POST /eager HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((done) => setTimeout(done, 50));
    const chunks: string[] = [];
    for await (const chunk of client as AsyncIterable<Buffer>) chunks.push(chunk.toString());
    expect(chunks).toEqual([expect.stringMatching(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/), 'at once']);
  });
  it('need no upgrade: 200 then, and plain bytes in both directions', async () => {
    for (const part of [
      head('') + body,
      head('Transfer-Encoding: chunked\r\n').replace(/Content-Length: \d+\r\n/, '') +
        `5\r\n${body.slice(0, 5)}\r\na;x=y\r\n${body.slice(5)}\r\n0\r\nTrailer: x\r\n\r\n`,
    ]) {
      const text = await raw([`${part}GET / HTTP/1.1\r\n`], true);
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(text).not.toMatch(/chunked|Content-Length/i);
      expect(text.endsWith('\r\n\r\n> GET / HTTP/1.1\r\n<end>')).toBe(true);
    }
  });
  it('say when a body may come', async () => {
    const text = await raw([head('Expect: 100-continue\r\n'), body, 'abc'], true);
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });
  it('stay HTTP, and open, when the answer is no stream', async () => {
    const detached = head('').replace('/shout', '/shout?detach=1') + body;
    const text = await raw([detached, detached, 'GET /names/x/json HTTP/1.1\r\nHost: x\r\n\r\n'], true);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 204', 'HTTP/1.1 204', 'HTTP/1.1 200']);
  });
  it('are not those of other paths, whatever the client asks for', async () => {
    const request = `POST /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}`;
    expect((await raw([request, request], true)).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
  });
  it.each([
    ['a chunk without a size', 'zz\r\n{}\r\n0\r\n\r\n'],
    ['a chunk longer than it says', '1\r\n{}\r\n0\r\n\r\n'],
    ['a chunk cut short', 'ff\r\n{}'],
    ['an endless size', 'f'.repeat(9000)],
  ])('refuse %s', async (_what, chunks) => {
    const request = head('Transfer-Encoding: chunked\r\n').replace(/Content-Length: \d+\r\n/, '');
    expect(await raw([request + chunks], true)).toMatch(/^HTTP\/1\.1 400 /);
  });
  it('answer errors as HTTP', async () => {
    expect(await raw([upgrade.replace('/shout', '/nope') + body], true)).toMatch(
      /^HTTP\/1\.1 404 [\s\S]*page not found/,
    );
    expect(await raw([upgrade.replace('v1.41', 'v1.1') + body], true)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('WebSockets', () => {
  const open = (path: string) =>
    new Promise<WebSocket>((done, fail) => {
      const client = new WebSocket(`ws+unix://${socket}:${path}`);
      client.on('open', () => done(client));
      client.on('error', fail);
    });
  it.each([0, 1, 125, 126, 65_535, 65_536, 300_000])('carry %d bytes both ways, and their end', async (length) => {
    const client = await open('/v1.41/ws');
    const sent = randomBytes(length);
    const got: Buffer[] = [];
    const types = new Set<boolean>();
    client.on('message', (data, binary) => {
      types.add(binary);
      got.push(data as Buffer);
    });
    const closed = new Promise<number>((done) => client.on('close', done));
    client.send(sent);
    client.send('end');
    expect(await closed).toBe(1000);
    expect(Buffer.concat(got).equals(Buffer.concat([sent, Buffer.from('end')]))).toBe(true);
    expect([...types]).toEqual([true]);
  });
  it('answer pings, and are told of a client that closes', async () => {
    const client = await open('/ws');
    const pong = new Promise((done) => client.on('pong', done));
    client.ping('x');
    await pong;
    const closed = new Promise<number>((done) => client.on('close', done));
    client.close(1000);
    expect(await closed).toBe(1000);
  });
  it('use text frames for old clients', async () => {
    const client = await open('/v1.27/ws');
    const type = new Promise<boolean>((done) => client.on('message', (_data, binary) => done(binary)));
    client.send('abc');
    expect(await type).toBe(false);
    client.terminate();
  });
  it('close on what is against the protocol', async () => {
    const hello =
      'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n';
    // not masked; a reserved bit; larger than any frame
    for (const bytes of ['\x82\x01a', '\xc2\x81aaaaa', '\x82\xff\x7f\x00\x00\x00\x00\x00\x00\x00aaaa'])
      expect(await raw([hello, bytes], false)).toMatch(/^HTTP\/1\.1 101 /);
    expect(await raw([hello.replace('Version: 13', 'Version: 8')], true)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(['GET /ws HTTP/1.1\r\nHost: x\r\n\r\n'], true)).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*not websocket protocol/,
    );
  });
});
