import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseReference } from '../reference/parse.ts';
import { credentialsOf } from './auth.ts';
import { parseChallenges } from './challenge.ts';
import { endpointsFor, isInsecure } from './endpoints.ts';
import { RegistryError, registryError, translatePullError } from './errors.ts';
import { readBody, send } from './transport.ts';

describe('challenges', () => {
  it('reads scheme and parameters, quoted or not, several in one header', () => {
    expect(
      parseChallenges('Bearer realm="https://auth.example/token",service="registry, the \\"one\\"",scope=x'),
    ).toEqual([
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.example/token', service: 'registry, the "one"', scope: 'x' },
      },
    ]);
    expect(
      parseChallenges('Basic realm="a", Bearer realm="b"').map(({ scheme, parameters }) => [
        scheme,
        parameters['realm'],
      ]),
    ).toEqual([
      ['basic', 'a'],
      ['bearer', 'b'],
    ]);
    expect(parseChallenges('Negotiate')).toEqual([]);
    expect(parseChallenges(undefined)).toEqual([]);
    expect(parseChallenges('"nonsense')).toEqual([]);
  });
});

describe('endpoints', () => {
  const none: { registryMirrors: string[]; insecureRegistries: string[] } = {
    registryMirrors: [],
    insecureRegistries: [],
  };
  const bases = (name: string, config = none) => endpointsFor(parseReference(name), config).map(({ base }) => base);

  it('goes to the Hub, with mirrors before it, for Docker’s own names only', () => {
    const config = { registryMirrors: ['http://127.0.0.1:5001/'], insecureRegistries: [] };
    expect(bases('busybox', config)).toEqual(['http://127.0.0.1:5001', 'https://registry-1.docker.io']);
    expect(bases('quay.io/x', config)).toEqual(['https://quay.io']);
  });

  it('tries plain HTTP after TLS for loopback and what the configuration names', () => {
    expect(bases('127.0.0.1:5000/x')).toEqual(['https://127.0.0.1:5000', 'http://127.0.0.1:5000']);
    expect(bases('reg.example:5000/x')).toEqual(['https://reg.example:5000']);
    expect(isInsecure('127.8.9.1', [])).toBe(true);
    expect(isInsecure('[::1]:5000', [])).toBe(true);
    expect(isInsecure('localhost:1', [])).toBe(true);
    expect(isInsecure('10.1.2.3:5000', ['10.0.0.0/8'])).toBe(true);
    expect(isInsecure('reg.example:5000', ['reg.example:5000'])).toBe(true);
    expect(isInsecure('reg.example:5000', ['other.example'])).toBe(false);
    expect(isInsecure('11.1.2.3', ['10.0.0.0/8'])).toBe(false);
  });
});

describe('errors', () => {
  const reference = parseReference('127.0.0.1:5000/x:1');
  const translated = (code: string, message: string) =>
    translatePullError(new RegistryError(code, message, 404), reference);

  it('says what dockerd says', () => {
    expect(translated('MANIFEST_UNKNOWN', 'manifest unknown')).toMatchObject({
      kind: 'not-found',
      message: 'manifest for 127.0.0.1:5000/x:1 not found: manifest unknown: manifest unknown',
    });
    expect(translated('DENIED', 'requested access to the resource is denied')).toMatchObject({
      kind: 'not-found',
      message:
        "pull access denied for 127.0.0.1:5000/x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    });
    expect(translated('UNAUTHORIZED', 'authentication required')).toMatchObject({
      message: 'unauthorized: authentication required',
    });
    expect(registryError(429, Buffer.from('slow down'), '/v2/').message).toBe('toomanyrequests: too many requests');
    expect(registryError(502, Buffer.from('<html>'), '/v2/').message).toBe(
      'received unexpected HTTP status: 502 <html>',
    );
  });

  it('reads credentials in each of Docker’s forms', () => {
    expect(credentialsOf({ auth: Buffer.from('me:p:w').toString('base64') })).toMatchObject({
      username: 'me',
      password: 'p:w',
    });
    expect(credentialsOf({ username: 'u', password: 'p' })).toMatchObject({ username: 'u', password: 'p' });
    expect(credentialsOf({ identitytoken: 't' })).toMatchObject({ username: '', identityToken: 't' });
  });
});

describe('transport', () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((done) => server.close(done).closeAllConnections());
  });
  async function serve(handler: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(handler as never);
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('keeps credentials from other hosts when it is sent there', async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((req, res) => {
      seen.push(req.headers.authorization);
      res.end('blob');
    });
    const first = await serve((req, res) => {
      seen.push(req.headers.authorization);
      if (req.url === '/same') res.writeHead(307, { location: `${other}/x` }).end();
      else res.writeHead(307, { location: '/same' }).end();
    });
    const response = await send({ method: 'GET', url: `${first}/start`, headers: { Authorization: 'Basic secret' } });
    expect((await readBody(response)).toString()).toBe('blob');
    expect(seen).toEqual(['Basic secret', 'Basic secret', undefined]);
  });

  it('ends a circle of redirects, and refuses to leave HTTP', async () => {
    const base = await serve((req, res) =>
      res.writeHead(302, { location: req.url === '/file' ? 'file:///etc/passwd' : '/again' }).end(),
    );
    await expect(send({ method: 'GET', url: `${base}/` })).rejects.toThrow('stopped after 10 redirects');
    await expect(send({ method: 'GET', url: `${base}/file` })).rejects.toThrow('unsupported protocol scheme "file"');
  });

  it('says in Docker’s words why there is no answer', async () => {
    await expect(send({ method: 'GET', url: 'http://127.0.0.1:1/v2/' })).rejects.toThrow(
      'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    );
    const plain = await serve((_req, res) => res.end());
    await expect(send({ method: 'GET', url: `${plain.replace('http', 'https')}/v2/` })).rejects.toThrow(
      'http: server gave HTTP response to HTTPS client',
    );
    await expect(send({ method: 'GET', url: 'http://no-such-host.invalid/v2/' })).rejects.toThrow(
      /^Get "http:\/\/no-such-host.invalid\/v2\/": dial tcp: lookup no-such-host.invalid: /,
    );
  });

  it('reads no more than it was told to', async () => {
    const base = await serve((_req, res) => res.end('x'.repeat(1000)));
    await expect(readBody(await send({ method: 'GET', url: base }), 999)).rejects.toThrow('larger than 999 bytes');
  });
});
