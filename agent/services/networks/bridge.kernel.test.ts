import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChildProcess } from 'node:child_process';
import { ask, askUdp, inside, serve, subject, testNetworks, traces, type TestNetworks } from './testing.ts';

let net: TestNetworks;
const children: ChildProcess[] = [];

beforeEach(async () => {
  net = await testNetworks();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await net.end();
});

async function server(...args: Parameters<typeof serve>): Promise<void> {
  children.push(await serve(...args));
}

const published = async (ports: Record<string, { HostIp?: string; HostPort?: string }[]>, name = 'web') => {
  const who = subject(name, { portBindings: ports, exposedPorts: Object.keys(ports) });
  const netns = net.networks.makeNamespace(who.id);
  return { who, netns, attachment: await net.networks.attach(netns, who) };
};

describe('the default bridge', () => {
  test('gives an address, a gateway and a MAC, and takes all back', async () => {
    const { Id } = await net.networks.inspect('bridge');
    const before = await traces(net, [Id]);
    expect(before).not.toEqual([]);
    const who = subject('one');
    const netns = net.networks.makeNamespace(who.id);
    const { networks, hosts, ports } = await net.networks.attach(netns, who);
    expect(networks['bridge']).toMatchObject({
      IPAddress: `${net.prefix}.0.2`,
      Gateway: `${net.prefix}.0.1`,
      IPPrefixLen: 24,
      MacAddress: `02:42:0a:${Number(net.prefix.split('.')[1]).toString(16)}:00:02`,
    });
    expect(hosts).toEqual([{ address: `${net.prefix}.0.2`, names: ['one'] }]);
    expect(ports).toEqual({});
    expect(await inside(netns, 'ip', '-4', '-o', 'address', 'show', 'eth0')).toContain(`${net.prefix}.0.2/24`);
    expect(await inside(netns, 'ip', 'route')).toContain(`default via ${net.prefix}.0.1`);
    expect(await inside(netns, 'ip', '-o', 'link', 'show', 'lo')).toContain('UP');
    await net.networks.detach(who.id);
    net.networks.dropNamespace(who.id);
    expect(existsSync(netns)).toBe(false);
    const after = (await traces(net, [Id])).filter((line) => !before.includes(line));
    // The bridge and the rules of the network stay for the next container, nothing of this one.
    expect(after.filter((line) => line.includes(`${net.prefix}.0.2`) || line.includes('veth'))).toEqual([]);
    await net.networks.close({ purge: true });
    expect(await traces(net, [Id])).toEqual([]);
  });

  test('containers reach each other and the host, and addresses are not given out again at once', async () => {
    const [a, b] = [subject('a'), subject('b')];
    const [nsA, nsB] = [net.networks.makeNamespace(a.id), net.networks.makeNamespace(b.id)];
    const [, second] = await Promise.all([net.networks.attach(nsA, a), net.networks.attach(nsB, b)]);
    const address = second.networks['bridge']?.IPAddress as string;
    await server(nsB, 80, 'from-b');
    expect(await inside(nsA, 'busybox', 'nc', '-w', '3', address, '80')).toContain('from-b');
    expect(await ask(address, 80)).toBe('from-b');
    await net.networks.detach(a.id);
    const c = subject('c');
    const third = await net.networks.attach(net.networks.makeNamespace(c.id), c);
    expect(third.networks['bridge']?.IPAddress).toBe(`${net.prefix}.0.4`);
  });

  test('publishes TCP and UDP on 127.0.0.1 and ::1', async () => {
    const { netns, attachment } = await published({ '80/tcp': [{ HostPort: '' }], '53/udp': [{ HostPort: '' }] });
    await server(netns, 80, 'hello');
    await server(netns, 53, 'echo', 'udp');
    const [tcp, udp] = ['80/tcp', '53/udp'].map((key) => attachment.ports[key] ?? []);
    expect(tcp?.map((binding) => binding.HostIp)).toEqual(['0.0.0.0', '::']);
    const port = Number(tcp?.[0]?.HostPort);
    expect(await ask('127.0.0.1', port)).toBe('hello');
    expect(await ask('::1', port)).toBe('hello');
    expect(await ask(`${net.prefix}.0.1`, port)).toBe('hello');
    const udpPort = Number(udp?.[0]?.HostPort);
    expect(await askUdp('127.0.0.1', udpPort, 'x')).toBe('echo x');
    expect(await askUdp('::1', udpPort, 'y')).toBe('echo y');
  });

  test('a container reaches a published port through the host, its own too', async () => {
    const { netns, attachment } = await published({ '80/tcp': [{}] });
    await server(netns, 80, 'hairpin');
    const port = attachment.ports['80/tcp']?.[0]?.HostPort as string;
    const other = subject('other');
    const nsOther = net.networks.makeNamespace(other.id);
    await net.networks.attach(nsOther, other);
    expect(await inside(nsOther, 'busybox', 'nc', '-w', '3', `${net.prefix}.0.1`, port)).toContain('hairpin');
    expect(await inside(netns, 'busybox', 'nc', '-w', '3', `${net.prefix}.0.1`, port)).toContain('hairpin');
  });

  test('refuses a port another container or program has, and undoes what was done', async () => {
    const { attachment, who } = await published({ '80/tcp': [{}] });
    const port = attachment.ports['80/tcp']?.[0]?.HostPort as string;
    const addresses = async () => Object.keys((await net.networks.inspect('bridge')).Containers);
    await expect(published({ '80/tcp': [{ HostPort: port }] }, 'two')).rejects.toThrow(
      new RegExp(
        `^driver failed programming external connectivity on endpoint two \\([0-9a-f]{64}\\): Bind for 0.0.0.0:${port} failed: port is already allocated$`,
      ),
    );
    expect(await addresses()).toEqual([who.id]);
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    const { port: used } = taken.address() as { port: number };
    await expect(published({ '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(used) }] }, 'three')).rejects.toThrow(
      new RegExp(`failed to bind host port for 127.0.0.1:${used}:${net.prefix}.0.\\d+:80/tcp: address already in use$`),
    );
    taken.close();
  });
});
