import { afterEach, beforeEach, expect, test } from 'vitest';
import { HostRefusal } from '../../networks/host-ports.ts';
import type { PublishedPort } from '../../networks/ports.ts';
import { ask, serve, subject, testNetworks, type TestNetworks } from './testing.ts';

// An engine in a guest: 10.0.2.2 is the user's machine, and addresses of that machine are none of the guest's.
let net: TestNetworks;
const opened: string[] = [];
beforeEach(async () => {
  opened.length = 0;
  const hold = (container: { id: string }, { hostIp, hostPort }: PublishedPort) => {
    if (hostPort === 18_735) return Promise.reject(new HostRefusal('address already in use by nginx (pid 7)'));
    const text = `${container.id} ${hostIp}:${hostPort}`;
    opened.push(text);
    return Promise.resolve({ close: () => void opened.splice(opened.indexOf(text), 1) });
  };
  net = await testNetworks({ hostMachine: '10.0.2.2' }, { hold });
});
afterEach(() => net.end());

test('the names of the host lead to the machine of the user, unless the user says otherwise', async () => {
  const one = subject('one', { hostConfig: { ExtraHosts: ['up:host-gateway', 'gateway.docker.internal:10.9.8.7'] } });
  const { hosts } = await net.networks.attach(net.networks.makeNamespace(one.id), one);
  expect(hosts).toContainEqual({ address: '10.0.2.2', names: ['up'] });
  expect(hosts).toContainEqual({ address: '10.0.2.2', names: ['host.docker.internal', 'host.containers.internal'] });
  expect(hosts).toContainEqual({ address: '10.9.8.7', names: ['gateway.docker.internal'] });
});

test('a port for an address of the user’s machine is reached at any address of the guest, and shown as asked', async () => {
  const one = subject('one', {
    portBindings: { '80/tcp': [{ HostIp: '192.0.2.77', HostPort: '18733' }], '81/tcp': [{ HostIp: '127.0.0.1' }] },
  });
  const netns = net.networks.makeNamespace(one.id);
  const { ports } = await net.networks.attach(netns, one);
  expect(ports['80/tcp']).toEqual([{ HostIp: '192.0.2.77', HostPort: '18733' }]);
  expect(ports['81/tcp']?.[0]?.HostIp).toBe('127.0.0.1');
  const servers = [await serve(netns, 80, 'eighty'), await serve(netns, 81, 'eightyone')];
  try {
    expect(await ask(`${net.prefix}.0.1`, 18_733)).toBe('eighty');
    expect(await ask(`${net.prefix}.0.1`, Number(ports['81/tcp']?.[0]?.HostPort))).toBe('eightyone');
  } finally {
    for (const server of servers) server.kill();
  }
});

test('a port that the user’s machine has given away is refused in its words, and nothing of it is left', async () => {
  const one = subject('one', { portBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18735' }] } });
  await expect(net.networks.attach(net.networks.makeNamespace(one.id), one)).rejects.toThrow(
    /failed to bind host port for 127\.0\.0\.1:18735:\S+:80\/tcp: address already in use by nginx \(pid 7\)$/,
  );
  expect(opened).toEqual([]);
  const next = subject('next', { portBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18735-18736' }] } });
  const { ports } = await net.networks.attach(net.networks.makeNamespace(next.id), next);
  expect(ports['80/tcp']).toEqual([{ HostIp: '127.0.0.1', HostPort: '18736' }]);
  expect(opened).toEqual([`${next.id} 127.0.0.1:18736`]);
  await net.networks.detach(next.id);
  expect(opened).toEqual([]);
});
