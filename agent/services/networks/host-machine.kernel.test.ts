import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, serve, subject, testNetworks, type TestNetworks } from './testing.ts';

// An engine in a guest: 10.0.2.2 is the user's machine, and addresses of that machine are none of the guest's.
let net: TestNetworks;
beforeEach(async () => {
  net = await testNetworks({ hostMachine: '10.0.2.2' });
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
