import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startWebServer, type WebServer } from './server.ts';

const directory = mkdtempSync(join(tmpdir(), 'berth-web-'));
const root = join(directory, 'renderer');
let server: WebServer;
let port: number;
let token: string;
let sockets = 0;

beforeAll(() => {
  mkdirSync(join(root, 'assets'), { recursive: true });
  writeFileSync(join(root, 'index.html'), '<!doctype html><p>window</p>');
  writeFileSync(join(root, 'assets', 'a-1.js'), 'export {}');
  writeFileSync(join(directory, 'secret'), 'secret');
  symlinkSync(join(directory, 'secret'), join(root, 'link'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
beforeEach(async () => {
  sockets = 0;
  server = await startWebServer({ port: 0, root, onSocket: () => sockets++ });
  const url = new URL(server.url);
  port = Number(url.port);
  token = url.searchParams.get('token') as string;
});
afterEach(() => server.close());

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}
/** The path is sent as it is: nothing tidies it. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((done, fail) => {
    const req = request({ host: '127.0.0.1', port, path, method, headers }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      res.on('end', () => done({ status: res.statusCode ?? 0, headers: res.headers, text }));
    });
    req.on('error', fail);
    req.end();
  });
}
async function enter(): Promise<string> {
  const answer = await get(`/?token=${token}`);
  return answer.headers['set-cookie']?.[0]?.split(';')[0] as string;
}
/** "open", or the status it was refused with. */
function upgrade(headers: Record<string, string>, path = '/rpc'): Promise<string> {
  return new Promise((done) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    socket.on('open', () => {
      socket.close();
      done('open');
    });
    socket.on('unexpected-response', (_req, res) => done(String(res.statusCode)));
    socket.on('error', () => undefined);
  });
}

describe('who is let in', () => {
  it('the token opens one session, with a cookie that scripts and other sites do not get', async () => {
    const first = await get(`/?token=${token}`);
    expect(first.status).toBe(303);
    expect(first.headers.location).toBe('/');
    const cookie = first.headers['set-cookie']?.[0] as string;
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    const session = { Cookie: cookie.split(';')[0] as string };
    expect((await get('/', session)).text).toContain('window');
    expect((await get('/', session)).text).toContain('window');
    // the address opened again in the same browser
    expect((await get(`/?token=${token}`, session)).status).toBe(303);
    const second = await get(`/?token=${token}`);
    expect(second.status).toBe(401);
    expect(second.text).toContain('used already');
    expect(second.headers['set-cookie']).toBeUndefined();
  });

  it.each(['/', '/?token=', '/?token=wrong', '/index.html', '/assets/a-1.js'])(
    'without it %s shows nothing',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(401);
      expect(answer.text).not.toContain('window</p>');
    },
  );

  it('a wrong guess does not use the token up', async () => {
    await get('/?token=wrong');
    expect((await get(`/?token=${token}`)).status).toBe(303);
  });

  it('a name that resolves here by rebinding is refused, token or not', async () => {
    const cookie = await enter();
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1',
      `127.0.0.1:${port + 1}`,
      `127.0.0.1:${port}.evil.example`,
    ])
      expect((await get('/', { Cookie: cookie, Host: host })).status).toBe(421);
    expect((await get('/', { Cookie: cookie, Host: `localhost:${port}` })).status).toBe(200);
  });

  it('a connection needs the cookie, the origin and the path', async () => {
    const Cookie = await enter();
    const Origin = `http://127.0.0.1:${port}`;
    expect(await upgrade({ Cookie, Origin })).toBe('open');
    expect(sockets).toBe(1);
    expect(await upgrade({ Origin })).toBe('401');
    expect(await upgrade({ Origin, Cookie: `${Cookie}x` })).toBe('401');
    expect(await upgrade({ Cookie })).toBe('403');
    for (const other of [
      'http://evil.example',
      'null',
      `https://127.0.0.1:${port}`,
      `http://127.0.0.1:${port}.evil.example`,
    ])
      expect(await upgrade({ Cookie, Origin: other })).toBe('403');
    expect(await upgrade({ Cookie, Origin, Host: `evil.example:${port}` })).toBe('421');
    expect(await upgrade({ Cookie, Origin }, '/other')).toBe('404');
    expect(sockets).toBe(1);
  });

  it('listens on loopback only', async () => {
    const { networkInterfaces } = await import('node:os');
    const other = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === 'IPv4' && !address.internal);
    if (!other) return;
    const refused = await new Promise((done) => {
      const socket = connect(port, other.address);
      socket.on('connect', () => done(false));
      socket.on('error', () => done(true));
    });
    expect(refused).toBe(true);
  });
});

describe('what is served', () => {
  it('the window, with a policy that allows no inline script', async () => {
    const Cookie = await enter();
    const page = await get('/', { Cookie });
    const policy = page.headers['content-security-policy'] as string;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'self'(;|$)/);
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    expect(page.headers['x-frame-options']).toBe('DENY');
    const script = await get('/assets/a-1.js', { Cookie });
    expect(script.headers['content-type']).toContain('text/javascript');
    expect(script.headers['cache-control']).toContain('immutable');
  });

  it.each([
    '/../secret',
    '/%2e%2e/secret',
    '/assets/../../secret',
    '/..%2fsecret',
    '/link',
    '/%00',
    '/%',
    '//etc/passwd',
    '/assets',
    '/nothing',
    '/..\\secret',
    '/etc/passwd',
  ])('%s is not found', async (path) => {
    const answer = await get(path, { Cookie: await enter() });
    expect(answer.status).toBe(404);
    expect(answer.text).not.toContain('secret');
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is refused', async (method) => {
    expect((await get('/', { Cookie: await enter() }, method)).status).toBe(405);
  });
});
