import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerInspect } from './api/container.ts';
import { dockerFixture, type DockerFixture } from './docker-cli-fixture.ts';

/** What one service has to tell another: seen from outside, through a whole engine. */
let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture({
    config: {
      'log-opts': { 'max-size': '1m', 'max-file': '2' },
      'default-shm-size': '32m',
      'default-ulimits': { nofile: { Name: 'nofile', Soft: 321, Hard: 322 }, core: { Name: 'core', Soft: 0, Hard: 0 } },
    },
  });
});
afterAll(() => fixture?.close());

const inspect = async (name: string) =>
  (await fixture.engine.request('GET', `/containers/${name}/json`)).body as ContainerInspect;
/** Where the engine is: it may have mounts of its own. */
const mounted = async (path: string) =>
  (await readFile(`/proc/${fixture.engine.pid}/mountinfo`, 'utf8')).includes(` ${path} `);

describe('the configuration', () => {
  test('completes what a container asks for', async () => {
    await fixture.ok('run', '-d', '--name', 'plain', fixture.image, 'sleep', '600');
    const { HostConfig } = await inspect('plain');
    expect(HostConfig).toMatchObject({
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } },
      ShmSize: 32 * 1024 * 1024,
      Runtime: expect.stringMatching(/^(crun|runc)$/) as string,
    });
    expect(HostConfig.Ulimits).toEqual([
      { Name: 'nofile', Soft: 321, Hard: 322 },
      { Name: 'core', Soft: 0, Hard: 0 },
    ]);
    expect(
      await fixture.ok('exec', 'plain', 'sh', '-c', "ulimit -n; df -k /dev/shm | tail -1 | awk '{print $2}'"),
    ).toBe('321\n32768');
    await fixture.ok('rm', '-f', 'plain');
  });

  test('stands back where the user says otherwise', async () => {
    await fixture.ok(
      'create',
      '--name',
      'own',
      '--shm-size',
      '8m',
      '--ulimit',
      'nofile=11:12',
      '--log-opt',
      'max-size=2m',
      fixture.image,
      'true',
    );
    expect((await inspect('own')).HostConfig).toMatchObject({
      LogConfig: { Type: 'json-file', Config: { 'max-size': '2m', 'max-file': '2' } },
      ShmSize: 8 * 1024 * 1024,
      Ulimits: [
        { Name: 'nofile', Soft: 11, Hard: 12 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
    });
    await fixture.ok('create', '--name', 'quiet', '--log-driver', 'none', fixture.image, 'true');
    expect((await inspect('quiet')).HostConfig.LogConfig).toEqual({ Type: 'none', Config: {} });
    await fixture.ok('rm', 'own', 'quiet');
  });
});

describe('containers', () => {
  test('mount the device of a volume while they run', async () => {
    await fixture.ok('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m', 'ram');
    const { Mountpoint } = JSON.parse(await fixture.ok('volume', 'inspect', '-f', '{{json .}}', 'ram')) as {
      Mountpoint: string;
    };
    await fixture.ok('run', '-d', '--name', 'r1', '-v', 'ram:/ram', fixture.image, 'sleep', '600');
    await fixture.ok('run', '-d', '--name', 'r2', '-v', 'ram:/ram', fixture.image, 'sleep', '600');
    await fixture.ok('exec', 'r1', 'touch', '/ram/here');
    expect(await fixture.ok('exec', 'r2', 'ls', '/ram')).toBe('here');
    await fixture.ok('kill', 'r1');
    await fixture.engine.kill();
    await fixture.engine.start();
    expect(await mounted(Mountpoint)).toBe(true);
    await fixture.ok('kill', 'r2');
    await expect.poll(() => mounted(Mountpoint)).toBe(false);
    await fixture.ok('start', 'r1');
    expect(await mounted(Mountpoint)).toBe(true);
    await fixture.ok('rm', '-f', 'r1', 'r2');
    expect(await mounted(Mountpoint)).toBe(false);
  });

  test('tell of copies and listeners', async () => {
    await fixture.ok('create', '--name', 'copied', fixture.image, 'true');
    const since = String(Date.now() / 1000 - 1);
    await fixture.ok('cp', 'copied:/bin/busybox', '/dev/null').catch(() => undefined);
    await fixture.engine.request('GET', '/containers/copied/archive?path=/bin');
    const events = await fixture.ok(
      'events',
      '--since',
      since,
      '--until',
      String(Date.now() / 1000 + 1),
      '--format',
      '{{.Action}}',
    );
    expect(events.split('\n')).toContain('archive-path');
    await fixture.ok('rm', 'copied');
  });
});

describe('networks and running containers', () => {
  test('connect and disconnect change /etc/hosts and leave what is in it', async () => {
    await fixture.ok('network', 'create', 'app');
    await fixture.ok('run', '-d', '--name', 'web', '--hostname', 'webhost', fixture.image, 'sleep', '600');
    await fixture.ok('exec', 'web', 'sh', '-c', 'echo 192.0.2.9 mine >> /etc/hosts');
    const before = await fixture.ok('exec', 'web', 'cat', '/etc/hosts');
    await fixture.ok('network', 'connect', 'app', 'web');
    const address = (await inspect('web')).NetworkSettings.Networks['app']?.IPAddress as string;
    expect(await fixture.ok('exec', 'web', 'cat', '/etc/hosts')).toBe(`${before}\n${address}\twebhost`);
    await fixture.ok('network', 'disconnect', 'app', 'web');
    expect(await fixture.ok('exec', 'web', 'cat', '/etc/hosts')).toBe(before);
    await fixture.ok('rm', '-f', 'web');
  });

  test('a container connected by hand finds the others by name', async () => {
    await fixture.ok('run', '-d', '--name', 'db', '--network', 'app', fixture.image, 'sleep', '600');
    await fixture.ok('run', '-d', '--name', 'late', fixture.image, 'sleep', '600');
    await fixture.ok('network', 'connect', 'app', 'late');
    expect(await fixture.ok('exec', 'late', 'ping', '-c', '1', '-w', '5', 'db')).toContain('1 packets received');
    await fixture.ok('rm', '-f', 'late');
  });

  test('a new name is the one that is answered to', async () => {
    await fixture.ok('run', '-d', '--name', 'asker', '--network', 'app', fixture.image, 'sleep', '600');
    await fixture.ok('rename', 'db', 'store');
    const ping = (name: string) => fixture.docker(['exec', 'asker', 'ping', '-c', '1', '-w', '3', name]);
    await expect.poll(async () => (await ping('store')).code, { timeout: 8000 }).toBe(0);
    expect((await ping('db')).code).not.toBe(0);
    expect((await inspect('store')).NetworkSettings.Networks['app']?.DNSNames).toContain('store');
    await fixture.ok('rm', '-f', 'store', 'asker');
    await fixture.ok('network', 'rm', 'app');
  });
});
