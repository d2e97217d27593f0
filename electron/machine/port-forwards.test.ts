import { basename } from 'node:path';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { PortSummary } from '../../agent/api/container.ts';
import type { PortForward } from '../contract/machine.ts';
import { openPort } from './open-port.ts';
import { PortForwards } from './port-forwards.ts';
import { listen, tcp } from './testing/ask.ts';
import type { HostForward } from './types.ts';

/** QEMU's forwards, played by servers that say where they lead. */
class Ways {
  readonly servers = new Map<string, Server>();
  forward({ protocol, hostAddress, hostPort, guestPort }: HostForward): Promise<void> {
    const server = createServer((socket) => socket.end(`guest ${guestPort}`));
    return new Promise((done, fail) => {
      server.once('error', () => fail(new Error('Could not set up host forwarding rule')));
      server.listen(hostPort, hostAddress, () => {
        this.servers.set(`${protocol} ${hostAddress}:${hostPort}`, server);
        done();
      });
    });
  }
  unforward({ protocol, hostAddress, hostPort }: HostForward): Promise<void> {
    const name = `${protocol} ${hostAddress}:${hostPort}`;
    return new Promise((done) => this.servers.get(name)?.close(() => done()));
  }
}

let ways: Ways;
let told: PortForward[];
let forwards: PortForwards;
afterEach(() => forwards.close());

function begin() {
  ways = new Ways();
  told = [];
  forwards = new PortForwards(ways, (ports) => (told = ports));
}
async function free(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '::', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
const published = (PublicPort: number, IP = '0.0.0.0'): PortSummary => ({
  IP,
  PrivatePort: 80,
  PublicPort,
  Type: 'tcp',
});
const question = (ask: number, hostPort: number, hostIp = '0.0.0.0', container = 'c') => ({
  ask,
  container,
  name: 'web',
  protocol: 'tcp' as const,
  hostIp,
  hostPort,
});

describe('published ports', () => {
  it('an address of each kind is open, and leads to the guest’s port', async () => {
    begin();
    const [all, six, four] = [await free(), await free(), await free()];
    expect(await forwards.ask(question(1, all))).toBeUndefined();
    expect(await forwards.ask(question(2, all, '::'))).toBeUndefined();
    expect(await forwards.ask(question(3, six, '::1'))).toBeUndefined();
    expect(await forwards.ask(question(4, four, '127.0.0.1'))).toBeUndefined();
    expect(await Promise.all([tcp('127.0.0.1', all), tcp('::1', all)])).toEqual([`guest ${all}`, `guest ${all}`]);
    expect(await Promise.all([tcp('127.0.0.1', six), tcp('::1', six)])).toEqual(['ECONNREFUSED', `guest ${six}`]);
    expect(await Promise.all([tcp('127.0.0.1', four), tcp('::1', four)])).toEqual([`guest ${four}`, `guest ${four}`]);
    await forwards.set('c', 'web', []);
    expect(told).toHaveLength(3); // not started yet: the end of an earlier run is told late
    await forwards.set('c', 'web', [
      published(all),
      published(all, '::'),
      published(six, '::1'),
      published(four, '127.0.0.1'),
    ]);
    expect(told.map(({ container, state }) => `${container} ${state}`)).toEqual(['web open', 'web open', 'web open']);
    await forwards.set('c', 'web', []);
    for (const port of [all, six, four])
      expect(await Promise.all([tcp('127.0.0.1', port), tcp('::1', port)])).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
    expect(told).toEqual([]);
  });

  it('the engine is told who has a port that is taken, and nothing is kept of it', async () => {
    begin();
    const other = await listen('127.0.0.1', 0, (socket) => socket.end('mine'));
    const refused = await forwards.ask(question(1, other.port));
    expect(refused).toBe(
      `address already in use on this computer by ${basename(process.execPath)} (pid ${process.pid})`,
    );
    expect(told).toEqual([]);
    await other.close();
    expect(await forwards.ask(question(2, other.port))).toBeUndefined();
  });

  it('an address that this host has not is refused with the reason', async () => {
    begin();
    expect(await forwards.ask(question(1, 18_733, '192.0.2.77'))).toContain('this computer has no such address');
    expect(await forwards.ask(question(2, 18_733, '2001:db8::77'))).toContain('this computer has no such address');
    expect(await openPort(ways, { protocol: 'udp', hostAddress: '::1', port: 1 })).toMatchObject({
      refused: expect.stringContaining('UDP'),
    });
  });

  it('a container that starts again keeps its port, whatever is told late of its earlier run', async () => {
    begin();
    const port = await free();
    await forwards.ask(question(1, port));
    await forwards.set('c', 'web', [published(port)]);
    await forwards.ask(question(2, port));
    await forwards.set('c', '', []); // the end of the first run
    await forwards.release(1);
    expect(await tcp('127.0.0.1', port)).toBe(`guest ${port}`);
    await forwards.release(2); // its start failed
    expect(await tcp('127.0.0.1', port)).toBe('ECONNREFUSED');
  });

  it('what runs already is opened from the list, also a port that is free only later; a new name is told', async () => {
    begin();
    const other = await listen('127.0.0.1', 0, (socket) => socket.end('mine'));
    await forwards.set('c', 'web', [published(other.port)]);
    expect(told).toMatchObject([{ state: 'refused', owner: expect.stringContaining(`(pid ${process.pid})`) }]);
    await other.close();
    await forwards.retry();
    expect(told).toMatchObject([{ state: 'open', container: 'web' }]);
    await forwards.set('c', 'other', [published(other.port)]);
    expect(told).toMatchObject([{ container: 'other' }]);
    await forwards.keep([]);
    expect(await tcp('127.0.0.1', other.port)).toBe('ECONNREFUSED');
  });
});
