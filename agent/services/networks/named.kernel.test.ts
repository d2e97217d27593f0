import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { spawn, type ChildProcess } from 'node:child_process';
import { exec } from '../../system/exec.ts';
import { ask, inside, serve, subject, testNetworks, traces, type TestNetworks } from './testing.ts';
import type { NetworkSubject } from '../../networks/types.ts';

let net: TestNetworks;
const children: ChildProcess[] = [];

beforeEach(async () => {
  net = await testNetworks();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await net.end();
});

async function run(who: NetworkSubject) {
  const netns = net.networks.makeNamespace(who.id);
  const attachment = await net.networks.attach(netns, who);
  net.users.set(who.id, { id: who.id, name: who.name, running: true, netns });
  return { who, netns, attachment };
}
const on = (name: string, network: string, more: Partial<NetworkSubject> = {}) =>
  run(subject(name, { endpoints: { [network]: {} }, ...more }));
const lookup = async (netns: string, server: string, name: string) => {
  const answer = await inside(netns, 'busybox', 'nslookup', name, server);
  return [...answer.matchAll(/^Address[^:]*:\s+(\S+)$/gm)]
    .map((match) => match[1] as string)
    .filter((address) => !address.startsWith(server));
};

describe('networks of the user', () => {
  test('containers find each other by name, alias, short id and hostname', async () => {
    await net.networks.create({ Name: 'app' });
    const db = await run(subject('db', { hostname: 'dbhost', endpoints: { app: { Aliases: ['postgres'] } } }));
    const web = await on('web', 'app');
    const server = web.attachment.networks['app']?.Gateway as string;
    expect(web.attachment.dns.servers).toEqual([server]);
    const address = db.attachment.networks['app']?.IPAddress as string;
    expect(db.attachment.networks['app']?.DNSNames).toEqual(['db', 'postgres', db.who.id.slice(0, 12), 'dbhost']);
    for (const name of ['db', 'postgres', 'dbhost', db.who.id.slice(0, 12)])
      expect(await lookup(web.netns, server, name)).toEqual([address]);
    await net.networks.detach(db.who.id);
    expect(await lookup(web.netns, server, 'db')).not.toContain(address);
    expect(await lookup(web.netns, server, 'web')).toEqual([web.attachment.networks['app']?.IPAddress]);
  });

  test('names are answered in both directions, over TCP, and only to containers of the network', async () => {
    await net.networks.create({ Name: 'app' });
    await net.networks.create({ Name: 'other' });
    const [db, web, alien] = [await on('db', 'app'), await on('web', 'app'), await on('alien', 'other')];
    const server = web.attachment.networks['app']?.Gateway as string;
    const address = db.attachment.networks['app']?.IPAddress as string;
    expect(await inside(web.netns, 'busybox', 'nslookup', address, server)).toContain('name = db.app');
    for (const name of ['DB', 'db.app', 'db.']) expect(await lookup(web.netns, server, name)).toEqual([address]);
    expect(await digTcp(web.netns, server, 'db')).toContain(
      Buffer.from(address.split('.').map(Number)).toString('hex'),
    );
    expect(await lookup(alien.netns, server, 'db')).toEqual([]);
    await net.networks.rename?.(db.who.id, 'base');
    expect(await lookup(web.netns, server, 'base')).toEqual([address]);
    expect(await lookup(web.netns, server, 'db')).toEqual([]);
  });

  test('other names are asked of the name servers a container is to have, not from an internal network', async () => {
    await net.networks.create({ Name: 'app' });
    await net.networks.create({ Name: 'inner', Internal: true });
    const dns = await on('dns', 'app');
    children.push(await nameServer(dns.netns));
    const Dns = [dns.attachment.networks['app']?.IPAddress as string];
    const web = await on('web', 'app', { hostConfig: { Dns } });
    const inner = await on('inside', 'inner', { hostConfig: { Dns } });
    const gateway = web.attachment.networks['app']?.Gateway as string;
    expect(web.attachment.dns).toMatchObject({ servers: [gateway], options: ['ndots:0'] });
    expect(await lookup(web.netns, gateway, 'shop.example')).toEqual(['192.0.2.80']);
    const [config] = (await net.networks.inspect('inner')).IPAM.Config;
    expect(await inside(inner.netns, 'busybox', 'nslookup', 'shop.example', config?.Gateway as string)).toContain(
      'SERVFAIL',
    );
  });

  test('keep the address of their gateway as containers come and go', async () => {
    const { Id } = await net.networks.create({ Name: 'app' });
    const path = `/sys/class/net/${net.tag}-${Id.slice(0, 5)}/address`;
    const seen = new Set([await readFile(path, 'utf8')]);
    for (let number = 0; number < 5; number++) {
      const { who } = await on(`c${number}`, 'app');
      seen.add(await readFile(path, 'utf8'));
      if (number % 2 === 0) await net.networks.detach(who.id);
      seen.add(await readFile(path, 'utf8'));
    }
    expect(seen.size).toBe(1);
    expect(await readFile(path.replace(/address$/, 'addr_assign_type'), 'utf8')).toBe('3\n');
  });

  test('are kept apart from each other', async () => {
    await net.networks.create({ Name: 'a' });
    await net.networks.create({ Name: 'b' });
    const [one, two, main] = [await on('one', 'a'), await on('two', 'b'), await on('main', 'bridge')];
    children.push(await serve(two.netns, 80, 'reached'));
    const address = two.attachment.networks['b']?.IPAddress as string;
    expect(await ask(address, 80)).toBe('reached');
    for (const { netns } of [one, main])
      expect(await inside(netns, 'busybox', 'nc', '-w', '1', address, '80')).toBe('');
  });

  test('internal ones lead nowhere', async () => {
    await net.networks.create({ Name: 'inner', Internal: true });
    const [one, two] = [await on('one', 'inner'), await on('two', 'inner')];
    children.push(await serve(two.netns, 80, 'inside'));
    expect(await inside(one.netns, 'ip', 'route')).not.toContain('default');
    expect(one.attachment.networks['inner']?.Gateway).toBe('');
    const server = (await net.networks.inspect('inner')).IPAM.Config[0]?.Gateway as string;
    expect(await lookup(one.netns, server, 'two')).toEqual([two.attachment.networks['inner']?.IPAddress]);
    expect(
      await inside(one.netns, 'busybox', 'nc', '-w', '2', two.attachment.networks['inner']?.IPAddress as string, '80'),
    ).toContain('inside');
  });

  test('have IPv6 where asked, published ports too', async () => {
    await net.networks.create({ Name: 'six', EnableIPv6: true, IPAM: { Config: [{ Subnet: 'fd13:213:7::/64' }] } });
    const who = subject('web', { endpoints: { six: {} }, portBindings: { '80/tcp': [{}] } });
    const { netns, attachment } = await run(who);
    expect(attachment.networks['six']).toMatchObject({
      GlobalIPv6Address: 'fd13:213:7::2',
      IPv6Gateway: 'fd13:213:7::1',
      GlobalIPv6PrefixLen: 64,
    });
    children.push(await serve(netns, 80, 'six'));
    expect(await ask('fd13:213:7::2', 80)).toBe('six');
    const port = Number(attachment.ports['80/tcp']?.[0]?.HostPort);
    for (const host of ['127.0.0.1', '::1', 'fd13:213:7::1', `${net.prefix}.1.1`])
      expect([host, await ask(host, port)]).toEqual([host, 'six']);
    const client = await on('client', 'six');
    expect(await inside(client.netns, 'busybox', 'nc', '-w', '3', 'fd13:213:7::2', '80')).toContain('six');
  });

  test('give the address asked for, once', async () => {
    await net.networks.create({
      Name: 'fixed',
      IPAM: { Config: [{ Subnet: '10.213.99.0/24', IPRange: '10.213.99.128/25' }] },
    });
    const asked = { endpoints: { fixed: { IPAMConfig: { IPv4Address: '10.213.99.7' } } } };
    const { attachment } = await run(subject('one', asked));
    expect(attachment.networks['fixed']?.IPAddress).toBe('10.213.99.7');
    await expect(run(subject('two', asked))).rejects.toThrow('Address already in use');
    const third = await on('three', 'fixed');
    expect(third.attachment.networks['fixed']?.IPAddress).toBe('10.213.99.129');
  });

  test('several at once: the first by name has the default route and the ports', async () => {
    await net.networks.create({ Name: 'one' });
    await net.networks.create({ Name: 'two' });
    const both = await run(subject('both', { endpoints: { two: {}, one: {} }, portBindings: { '80/tcp': [{}] } }));
    expect(Object.keys(both.attachment.networks)).toEqual(['one', 'two']);
    const routes = await inside(both.netns, 'ip', 'route');
    const gateway = both.attachment.networks['one']?.Gateway as string;
    expect(routes.split('\n')[0]).toContain(`default via ${gateway} dev eth0`);
    children.push(await serve(both.netns, 80, 'both'));
    expect(await ask('127.0.0.1', Number(both.attachment.ports['80/tcp']?.[0]?.HostPort))).toBe('both');
  });

  test('connect and disconnect while the container runs', async () => {
    await net.networks.create({ Name: 'late' });
    const { who, netns } = await on('web', 'bridge');
    await net.networks.connect('late', 'web', { Aliases: ['w'] });
    expect(net.changed.at(-1)).toMatchObject({
      id: who.id,
      network: 'late',
      endpoint: { IPAddress: `${net.prefix}.1.2` },
    });
    expect(await inside(netns, 'ip', '-4', '-o', 'address', 'show', 'eth1')).toContain(`${net.prefix}.1.2/24`);
    expect(Object.keys((await net.networks.inspect('late')).Containers)).toEqual([who.id]);
    await expect(net.networks.connect('late', 'web', {})).rejects.toThrow(
      'endpoint with name web already exists in network late',
    );
    await expect(net.networks.remove('late')).rejects.toThrow(
      /^error while removing network: network late has active endpoints \(name:"web" id:"[0-9a-f]{12}"\)$/,
    );
    await net.networks.disconnect('late', 'web', false);
    expect(await inside(netns, 'ip', '-o', 'link')).not.toContain('eth1');
    expect(net.changed.at(-1)).toEqual({ id: who.id, network: 'late', endpoint: undefined });
    const { Id } = await net.networks.inspect('late');
    await net.networks.remove('late');
    const all = await traces(net, [Id]);
    expect(all.filter((line) => line.includes(Id.slice(0, 5)))).toEqual([]);
    await expect(net.networks.inspect('late')).rejects.toThrow('network late not found');
    expect(net.events.map((event) => event.action)).toEqual(['create', 'connect', 'connect', 'disconnect', 'destroy']);
  });
});

/** What a name server says over TCP to a question for an address, in hexadecimal. */
async function digTcp(netns: string, server: string, name: string): Promise<string> {
  const question = Buffer.from(
    `0001010000010000000000000${name.length}${Buffer.from(name).toString('hex')}0000010001`,
    'hex',
  );
  const { stdout } = await exec(
    ['nsenter', `--net=${netns}`, process.execPath, '-e', TCP_QUESTION, server, question.toString('hex')],
    { timeout: 10_000 },
  );
  return stdout;
}
const TCP_QUESTION = `const [server, hex] = process.argv.slice(1); const question = Buffer.from(hex, 'hex');
const s = require('net').connect(53, server, () => s.write(Buffer.concat([Buffer.of(0, question.length), question])));
s.on('data', (data) => { console.log(data.toString('hex')); s.end(); });`;

/** A name server for which every name is 192.0.2.80. */
async function nameServer(netns: string): Promise<ChildProcess> {
  const child = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', NAME_SERVER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.EventEmitter, 'data');
  return child;
}
const NAME_SERVER = `const s = require('dgram').createSocket('udp4'); s.on('message', (m, from) => {
  const end = m.indexOf(0, 12) + 5, isA = m.readUInt16BE(end - 4) === 1;
  const answer = Buffer.from('c00c000100010000003c0004c0000250', 'hex');
  const head = Buffer.from(m.subarray(0, 12)); head.writeUInt16BE(0x8180, 2); head.writeUInt16BE(isA ? 1 : 0, 6); head.writeUInt16BE(0, 10);
  s.send(Buffer.concat([head, m.subarray(12, end), ...(isA ? [answer] : [])]), from.port, from.address);
}); s.bind(53, () => console.log('up'));`;
