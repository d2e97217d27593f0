import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChildProcess } from 'node:child_process';
import { ask, inside, serve, subject, testNetworks, traces, type TestNetworks } from './testing.ts';

let net: TestNetworks;
const children: ChildProcess[] = [];

beforeEach(async () => {
  net = await testNetworks();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await net.end();
});

async function run(name: string, network = 'bridge', ports = {}) {
  const who = subject(name, { endpoints: { [network]: {} }, portBindings: ports });
  const netns = net.networks.makeNamespace(who.id);
  return { who, netns, attachment: await net.networks.attach(netns, who) };
}

describe('another engine on the same directories', () => {
  test('finds networks, addresses and ports as they were, and frees those of containers that ended', async () => {
    const { Id } = await net.networks.create({ Name: 'kept', Labels: { a: 'b' } });
    const alive = await run('alive', 'kept', { '80/tcp': [{}] });
    const ended = await run('ended', 'kept', { '81/tcp': [{}] });
    children.push(await serve(alive.netns, 80, 'alive'));
    const port = Number(alive.attachment.ports['80/tcp']?.[0]?.HostPort);
    await net.restart();
    await net.networks.recover(new Set([alive.who.id]));
    expect(await ask('127.0.0.1', port)).toBe('alive');
    expect(await ask('::1', port)).toBe('alive');
    const { Containers, Labels } = await net.networks.inspect('kept');
    expect(Object.keys(Containers)).toEqual([alive.who.id]);
    expect(Labels).toEqual({ a: 'b' });
    expect(existsSync(ended.netns)).toBe(false);
    const address = ended.attachment.networks['kept']?.IPAddress as string;
    expect((await traces(net, [Id])).filter((line) => line.includes(address))).toEqual([]);
    await expect(run('clash', 'kept', { '80/tcp': [{ HostPort: String(port) }] })).rejects.toThrow(
      'port is already allocated',
    );
    const next = await run('next', 'kept');
    expect(next.attachment.networks['kept']?.IPAddress).not.toBe(alive.attachment.networks['kept']?.IPAddress);
    await net.networks.detach(alive.who.id);
    expect(await ask('127.0.0.1', port)).toBe('');
  });

  test('says when another program has taken a published port meanwhile', async () => {
    const { who, attachment } = await run('web', 'bridge', { '80/tcp': [{ HostIp: '127.0.0.1' }] });
    const port = Number(attachment.ports['80/tcp']?.[0]?.HostPort);
    net.networks.abandon();
    const thief = createServer();
    await new Promise<void>((done) => thief.listen(port, '127.0.0.1', done));
    await net.restart();
    await net.networks.recover(new Set([who.id]));
    thief.close();
    expect(net.warnings).toEqual([
      `another program has taken 127.0.0.1:${port}/tcp, a published port of container web`,
    ]);
  });
});

describe('the end of an engine', () => {
  test('takes idle bridges and their rules away, and keeps what a running container needs', async () => {
    const { Id: idle } = await net.networks.create({ Name: 'idle' });
    await net.networks.create({ Name: 'used' });
    const one = await run('one', 'idle');
    await net.networks.detach(one.who.id);
    const two = await run('two', 'used');
    children.push(await serve(two.netns, 80, 'still'));
    await net.networks.close();
    expect((await traces(net, [idle])).filter((line) => line.includes(idle.slice(0, 5)))).toEqual([]);
    expect(await ask(two.attachment.networks['used']?.IPAddress as string, 80)).toBe('still');
    await net.restart();
    await net.networks.recover(new Set([two.who.id]));
    const again = await run('again', 'idle');
    children.push(await serve(again.netns, 80, 'again'));
    expect(await ask(again.attachment.networks['idle']?.IPAddress as string, 80)).toBe('again');
    expect(Object.keys((await net.networks.inspect('used')).Containers)).toEqual([two.who.id]);
  });

  test('killed, and its directories deleted: the next engine anywhere takes away what it left', async () => {
    const { Id } = await net.networks.inspect('bridge');
    const { who } = await run('one');
    await net.networks.detach(who.id);
    net.networks.abandon();
    expect(await traces(net, [Id])).not.toEqual([]);
    await rm(net.layout.root, { recursive: true });
    const other = await testNetworks();
    const left = await traces(net, [Id]);
    await other.end();
    expect(left).toEqual([]);
    expect((await other.networks.inspect('bridge')).IPAM.Config[0]?.Subnet).toBe(`${net.prefix}.0.0/24`);
  });
});

describe('detach', () => {
  test('where the namespace is gone takes rules and addresses back', async () => {
    const { Id } = await net.networks.create({ Name: 'gone' });
    const { who, attachment } = await run('web', 'gone', { '80/tcp': [{}] });
    net.networks.dropNamespace(who.id);
    await net.networks.detach(who.id);
    const address = attachment.networks['gone']?.IPAddress as string;
    expect((await traces(net, [Id])).filter((line) => line.includes(address))).toEqual([]);
    expect(await readdir(join(net.layout.run, 'networks/attachments'))).toEqual([]);
    expect(await readdir(net.layout.netns)).toEqual([]);
    expect((await net.networks.inspect('gone')).Containers).toEqual({});
    expect(net.warnings).toEqual([]);
    await net.networks.detach(who.id);
  });

  test('after a failure half-way nothing is left', async () => {
    const { Id } = await net.networks.inspect('bridge');
    const before = await traces(net, [Id]);
    const who = subject('web', { portBindings: { '80/tcp': [{}] } });
    await expect(net.networks.attach(join(net.layout.netns, 'none-such'), who)).rejects.toThrow(/namespace/);
    expect((await net.networks.inspect('bridge')).Containers).toEqual({});
    expect(await readdir(join(net.layout.run, 'networks/attachments'))).toEqual([]);
    expect(await traces(net, [Id])).toEqual(before);
  });
});

test('names are known while there is no engine, and the next engine takes over', async () => {
  await net.networks.create({ Name: 'app' });
  const [web, db] = [await run('web', 'app'), await run('db', 'app')];
  const server = (await net.networks.inspect('app')).IPAM.Config[0]?.Gateway as string;
  const address = db.attachment.networks['app']?.IPAddress as string;
  const lookup = () => inside(web.netns, 'busybox', 'timeout', '2', 'busybox', 'nslookup', '-type=a', 'db', server);
  const files = join(net.layout.run, 'networks/names/aardvark-dns');
  const [file = ''] = await expect
    .poll(() => readdir(files).catch(() => []))
    .toHaveLength(1)
    .then(() => readdir(files));
  // Names are written a moment after they are known; this engine is killed after that.
  await expect.poll(() => readFile(join(files, file), 'utf8')).toContain(address);
  await expect.poll(lookup, { timeout: 10_000 }).toContain(address);
  net.networks.abandon();
  await expect.poll(lookup, { timeout: 25_000 }).toContain(address);
  const pid = (await readFile(join(files, 'aardvark.pid'), 'utf8')).trim();
  expect(await readFile(`/proc/${pid}/comm`, 'utf8')).toBe('aardvark-dns\n');
  await net.restart();
  await net.networks.recover(new Set([web.who.id, db.who.id]));
  await expect.poll(lookup, { timeout: 10_000 }).toContain(address);
  await net.networks.detach(db.who.id);
  expect(await lookup()).not.toContain(address);
  expect(net.warnings).toEqual([]);
}, 60_000);
