import { closeSync, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inside, subject, testNetworks, type TestNetworks } from './testing.ts';

let net: TestNetworks;
beforeEach(async () => {
  net = await testNetworks();
});
afterEach(() => net.end());

async function connect(who = subject('one')) {
  const netns = net.networks.makeNamespace(who.id);
  const { networks } = await net.networks.attach(netns, who);
  return { who, netns, address: networks['bridge']?.IPAddress as string };
}
const records = () => readdir(join(net.layout.run, 'networks/attachments')).catch(() => [] as string[]);

/** What a container sees of its network, without what is its own: addresses, indices, peers. */
async function view(netns: string, address: string): Promise<string> {
  const mac = address
    .split('.')
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .join(':');
  const parts = await Promise.all([
    inside(netns, 'ip', '-4', '-d', 'address', 'show', 'eth0'),
    inside(netns, 'ip', '-4', 'route', 'show', 'table', 'all'),
    inside(netns, 'cat', '/proc/sys/net/ipv6/conf/eth0/autoconf'),
  ]);
  return parts
    .join('')
    .replaceAll(new RegExp(`${address}\\b`, 'g'), 'ADDRESS')
    .replaceAll(mac, 'MAC')
    .replace(/eth0@if\d+/, 'eth0');
}

test('without netavark a container gets just what the first one got from it', async () => {
  const first = await connect();
  const second = await connect();
  expect(await view(second.netns, second.address)).toBe(await view(first.netns, first.address));
  expect(await inside(second.netns, 'busybox', 'ping', '-c', '1', '-W', '2', first.address)).toContain('1 packets rec');
  expect(await inside(second.netns, 'busybox', 'ping', '-c', '1', '-W', '2', `${net.prefix}.0.1`)).toContain(
    '1 packets rec',
  );
  expect(net.warnings).toEqual([]);
});

test('many at once, the first among them, are all connected', async () => {
  const all = await Promise.all(Array.from({ length: 12 }, (_, index) => connect(subject(`c${index}`))));
  expect(new Set(all.map(({ address }) => address)).size).toBe(12);
  for (const { netns } of all)
    expect(await inside(netns, 'busybox', 'ping', '-c', '1', '-W', '2', `${net.prefix}.0.1`)).toContain(
      '1 packets rec',
    );
});

test('the interface goes where others stay in the namespace, and the same container can come back at once', async () => {
  await connect();
  const { who, netns, address } = await connect(subject('two'));
  const kept = openSync(netns, 'r');
  try {
    await net.networks.detach(who.id);
    net.networks.dropNamespace(who.id);
    const { Containers } = await net.networks.inspect('bridge');
    expect(Object.keys(Containers)).not.toContain(who.id);
    const again = await connect(who);
    // The first was waited for: its interface is gone, and its address may rest.
    expect(again.address).not.toBe(address);
    expect(await inside(`/proc/${process.pid}/fd/${kept}`, 'ip', '-o', 'link')).not.toContain('eth0');
    expect(await records()).toHaveLength(2);
  } finally {
    closeSync(kept);
  }
});

test('killed while an interface is being taken away: the next engine finds it', async () => {
  await connect();
  const { who } = await connect(subject('two'));
  const leaving = net.networks.detach(who.id);
  expect(await records()).toContain(`${who.id}.json`);
  await leaving;
  await net.networks.close();
  expect(await records()).not.toContain(`${who.id}.json`);
  const { who: other, address } = await connect(subject('three'));
  await net.restart();
  await net.networks.recover(new Set());
  const next = await connect(subject('four'));
  expect(next.address).not.toBe('');
  expect(Object.keys((await net.networks.inspect('bridge')).Containers)).toEqual([next.who.id]);
  // The engine does not wait for the kernel either when it finds what was left.
  await expect.poll(records, { timeout: 5_000 }).not.toContain(`${other.id}.json`);
  expect(address).not.toBe('');
});
