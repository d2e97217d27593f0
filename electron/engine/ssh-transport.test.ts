import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeEngine } from '../testing/fake-engine.ts';
import { EngineClient } from './client.ts';
import { sshTransport } from './ssh-transport.ts';

// Not ed25519: one key in some hundred that ssh2 makes of that kind is malformed.
const hostKey = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
const otherKey = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
const userKey = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
const publicOf = (pair: { public: string }) => pair.public.split(' ').slice(0, 2).join(' ');

// A real ssh server on loopback that lets one key in and forwards to a socket, as sshd does.
describe('an engine through ssh', () => {
  const home = mkdtempSync(join(tmpdir(), 'berth-ssh-'));
  const engine = new FakeEngine();
  let server: ssh2.Server;
  let port: number;
  const forwarded: string[] = [];
  const connections = new Set<ssh2.Connection>();

  beforeAll(async () => {
    await engine.start();
    mkdirSync(join(home, '.ssh'));
    writeFileSync(join(home, '.ssh', 'id_ed25519'), userKey.private);
    const known = ssh2.utils.parseKey(userKey.public);
    if (known instanceof Error) throw known;
    server = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => {
      client.on('error', () => undefined);
      connections.add(client);
      client.once('close', () => connections.delete(client));
      client.on('authentication', (context) => {
        const right =
          context.method === 'publickey' && context.username === 'me' && context.key.data.equals(known.getPublicSSH());
        if (right) context.accept();
        else context.reject(['publickey']);
      });
      client.on(
        'openssh.streamlocal' as 'request',
        ((accept: () => ssh2.ServerChannel, reject: () => void, info: { socketPath: string }) => {
          forwarded.push(info.socketPath);
          const socket = connect(info.socketPath);
          socket.once('error', () => reject());
          socket.once('connect', () => {
            const channel = accept();
            socket.on('error', () => channel.close());
            channel.pipe(socket).pipe(channel);
          });
        }) as never,
      );
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    server.close();
    await engine.remove();
    rmSync(home, { recursive: true, force: true });
  });
  beforeEach(() => trust(`[127.0.0.1]:${port} ${publicOf(hostKey)}`));

  const trust = (line: string) => writeFileSync(join(home, '.ssh', 'known_hosts'), `${line}\n`);
  const open = (change: { user?: string; path?: string } = {}) =>
    new EngineClient(
      sshTransport(
        { user: 'me', host: '127.0.0.1', port, path: engine.socket, address: 'ssh://me@there', ...change },
        { env: { HOME: home } },
      ),
    );

  it('calls and streams go through one connection', async () => {
    const client = open();
    engine.containers.clear();
    engine.put('far-away');
    const stop = new AbortController();
    const events = await client.events(stop.signal);
    expect((await client.listContainers()).map(({ Id }) => Id)).toEqual(['far-away']);
    engine.emit('start', 'far-away');
    expect((await events.next()).value).toMatchObject({ Action: 'start' });
    await Promise.all(Array.from({ length: 20 }, () => client.version()));
    expect(new Set(forwarded)).toEqual(new Set([engine.socket]));
    stop.abort();
    client.close();
  });

  it('a connection that breaks ends what goes on in it, and the next call makes another', async () => {
    const client = open();
    engine.containers.clear();
    const stop = new AbortController();
    const events = await client.events(stop.signal);
    await client.version(); // its connection is kept, and nobody reads from it
    for (const each of connections) each.end();
    await expect(events.next()).rejects.toThrow();
    expect(await client.listContainers()).toEqual([]);
    client.close();
  });

  it.each([
    ['unknown', () => '# nothing', /is not known \(ecdsa-sha2-nistp256 SHA256:/],
    [
      'another',
      () => `[127.0.0.1]:${port} ${publicOf(otherKey)}`,
      /is not the one that is known.* \(ecdsa-sha2-nistp256 SHA256:/,
    ],
    ['revoked', () => `@revoked * ${publicOf(hostKey)}`, /is revoked/],
  ])('refuses a host whose key is %s', async (_name, line, message) => {
    trust(line());
    const client = open();
    await expect(client.ping()).rejects.toThrow(message);
    client.close();
  });

  it('says so when no key is accepted, or the socket is not there', async () => {
    const stranger = open({ user: 'stranger' });
    await expect(stranger.ping()).rejects.toThrow(/stranger@127\.0\.0\.1:\d+ accepts no key that is here/);
    stranger.close();
    const nowhere = open({ path: '/no/such.sock' });
    await expect(nowhere.ping()).rejects.toThrow(/\/no\/such\.sock on 127\.0\.0\.1/);
    nowhere.close();
  });
});
