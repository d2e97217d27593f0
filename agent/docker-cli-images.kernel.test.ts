import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, type DockerFixture } from './docker-cli-fixture.ts';
import { exec } from './system/exec.ts';
import { busyboxLayer, makeTar, startRegistry } from './testing/index.ts';

interface Inspected {
  Id: string;
  Parent: string;
  Config: { Env: string[]; Cmd: string[] | null; ExposedPorts: object; Labels: object };
  RootFS: { Layers: string[] };
}

let fixture: DockerFixture;
let layer: string;
beforeAll(async () => {
  fixture = await dockerFixture();
  layer = join(fixture.engine.directory, 'rootfs.tar');
  writeFileSync(layer, makeTar([...busyboxLayer(), { name: 'only-here', content: 'x' }]));
}, 60_000);
afterAll(() => fixture?.close());

const inspect = async (name: string) =>
  (JSON.parse(await fixture.ok('image', 'inspect', name)) as Inspected[])[0] as Inspected;
const sh = (image: string, script: string) => fixture.ok('run', '--rm', '--network', 'none', image, 'sh', '-c', script);

/** All that a commit must not lose, made by a shell in the container. */
const CHANGES = `
  rm /etc/group; rm -rf /var/www; mkdir /var/www; echo new > /var/www/x
  mkdir -p /a/b; echo 1 > /a/b/f; ln /a/b/f /a/b/g; ln -s f /a/b/l; mkfifo /a/fifo
  echo s > /a/suid; chown 7:8 /a/suid; chmod 4750 /a/suid; touch -d '2001-02-03 04:05:06' /a/old
  echo odd > "/a/$(printf 'n\\377 \\303\\244')"; chmod 1777 /a; touch /a-b`;
const SEEN = `
  ls /var/www /etc/group 2>&1; cat /a/b/g; stat -c '%n %h %u:%g %a %F' /a /a/b/f /a/suid /a/fifo /a-b; readlink /a/b/l
  stat -c %Y /a/old; cat /a/n*; test /a/b/f -ef /a/b/g && echo linked`;

describe('commit', () => {
  it('keeps all that the container changed, and nothing of what the engine put there', async () => {
    const { ok, image, engine } = fixture;
    await ok('run', '--name', 'changed', '--network', 'none', image, 'sh', '-c', CHANGES);
    const args = ['-a', 'me <m@e>', '-m', 'why', '-c', 'ENV A=1 B=$A', '-c', 'EXPOSE 80', '-c', 'CMD ["sh"]'];
    const id = await ok('commit', ...args, 'changed', 'made:1');
    expect(await sh('made:1', SEEN)).toBe(
      [
        'ls: /etc/group: No such file or directory',
        '/var/www:',
        'x',
        '1',
        '/a 3 0:0 1777 directory',
        '/a/b/f 2 0:0 644 regular file',
        '/a/suid 1 7:8 4750 regular file',
        '/a/fifo 1 0:0 644 fifo',
        '/a-b 1 0:0 644 regular empty file',
        'f',
        '981173106',
        'odd',
        'linked',
      ].join('\n'),
    );
    const made = await inspect('made:1');
    const below = await inspect(image);
    expect(made).toMatchObject({
      Id: id,
      Parent: below.Id,
      Author: 'me <m@e>',
      Comment: 'why',
      Config: { Cmd: ['sh'], ExposedPorts: { '80/tcp': {} } },
    });
    expect(made.Config.Env).toEqual(expect.arrayContaining(['A=1', 'B=']));
    expect(made.RootFS.Layers.slice(0, -1)).toEqual(below.RootFS.Layers);
    const blob = join(engine.root, 'images/blobs', (made.RootFS.Layers.at(-1) ?? '').replace(':', '/'));
    const names = execFileSync('tar', ['-tf', blob], { encoding: 'utf8' }).split('\n');
    expect(names.filter((name) => /^(dev|proc|sys|\.dockerenv|etc\/(hosts|hostname|resolv.conf))/.test(name))).toEqual(
      [],
    );
    // the same again is the same layer
    await ok('commit', 'changed', 'made:2');
    expect((await inspect('made:2')).RootFS.Layers.at(-2)).toBe(made.RootFS.Layers.at(-2));
    const ids = (await ok('history', '-q', '--no-trunc', 'made:1')).split('\n');
    expect(ids.slice(0, 2)).toEqual([id, below.Id]);
    expect((await fixture.docker(['rmi', below.Id])).stderr).toContain('image has dependent child images');
    await ok('rm', 'changed');
    await ok('rmi', 'made:1', 'made:2');
  });

  it('stops a running container for as long as it reads, unless it shall not', async () => {
    const { ok, image, engine } = fixture;
    await ok('run', '-d', '--name', 'running', '--network', 'none', image, 'sh', '-c', 'echo 1 > /one; sleep 300');
    const since = (Date.now() / 1000).toFixed(3);
    await ok('commit', 'running', 'paused:1');
    await ok('commit', '--pause=false', 'running', 'unpaused:1');
    const until = (Date.now() / 1000 + 0.001).toFixed(3);
    const { text } = await engine.request('GET', `/events?since=${since}&until=${until}`);
    const events = text.split('\n').filter((line) => line.trim() !== '');
    expect(
      events
        .map((line) => JSON.parse(line) as { Type: string; Action: string })
        .map(({ Type, Action }) => `${Type} ${Action}`),
    ).toEqual([
      'container pause',
      'container unpause',
      'image create',
      'image tag',
      'container commit',
      'image create',
      'image tag',
      'container commit',
    ]);
    expect(await sh('paused:1', 'cat /one')).toBe('1');
    expect((await engine.request('POST', '/commit?container=none')).status).toBe(404);
    expect((await engine.request('POST', '/commit?container=running&repo=A')).status).toBe(400);
    expect(await engine.request('POST', '/commit?container=running&changes=RUN%20x')).toMatchObject({
      status: 400,
      body: { message: 'RUN is not a valid change command' },
    });
    // what was not changed is no layer
    await ok('create', '--name', 'unchanged', image);
    await ok('commit', 'unchanged', 'same:1');
    expect((await inspect('same:1')).RootFS).toEqual((await inspect(image)).RootFS);
    await ok('rm', '-f', 'running', 'unchanged');
    await ok('rmi', 'paused:1', 'unpaused:1', 'same:1');
  });

  it('keeps owners and capabilities of a container with ids of its own', async () => {
    const remapped = await dockerFixture({ config: { 'userns-remap': 'default' } });
    try {
      const { ok, image, engine } = remapped;
      chmodSync(engine.directory, 0o711);
      await ok('run', '--name', 'changed', '--network', 'none', image, 'sh', '-c', CHANGES);
      await ok('commit', 'changed', 'made:1');
      const seen = await ok('run', '--rm', '--network', 'none', 'made:1', 'sh', '-c', SEEN);
      expect(seen).toContain('/a/suid 1 7:8 4750');
      expect(seen).toContain('/a 3 0:0 1777');
      const made = (JSON.parse(await ok('image', 'inspect', 'made:1')) as Inspected[])[0];
      const diff = join(engine.root, 'images/layers', (made?.RootFS.Layers.at(-1) ?? '').slice(7), 'diff');
      expect(statSync(join(diff, 'a/suid'))).toMatchObject({ uid: 7, gid: 8 });
    } finally {
      await remapped.close();
    }
  });
});

describe('archives through the docker client', () => {
  it('go out and in again by file and by pipe', async () => {
    const { ok, docker, engine } = fixture;
    const id = await ok('import', '-m', 'why', '-c', 'ENV A=b', layer, 'imp:1');
    expect(await sh('imp:1', 'echo $A')).toBe('b');
    const file = join(engine.directory, 'saved.tar');
    await ok('save', '-o', file, 'imp:1');
    await ok('rmi', 'imp:1');
    expect(await ok('load', '-i', file)).toContain('Loaded image: imp:1');
    expect((await inspect('imp:1')).Id).toBe(id);
    const broken = join(engine.directory, 'broken.tar');
    writeFileSync(broken, readFileSync(file).subarray(0, 5000));
    const refused = await docker(['load', '-i', broken]);
    expect([refused.code, refused.stderr]).toEqual([1, 'Error processing tar file(exit status 1): unexpected EOF']);
    expect((await docker(['import', broken])).stderr).toContain('unexpected EOF');
    const flattened = join(engine.directory, 'export.tar');
    await ok('create', '--name', 'exported', 'imp:1', 'true');
    await ok('export', '-o', flattened, 'exported');
    await ok('rm', 'exported');
    await ok('import', flattened, 'flat:1');
    expect(await sh('flat:1', 'stat -c "%a %g" /etc/shadow')).toBe('640 42');
    await ok('rmi', 'imp:1', 'flat:1');
  });

  it('reach another registry compressed, behind a password', async () => {
    const { ok, docker } = fixture;
    const registry = await startRegistry({ htpasswd: { me: 'secret' } });
    try {
      const name = `${registry.host}/made:1`;
      await ok('import', layer, name);
      const plain = (await inspect(name)).Id;
      expect((await docker(['push', name])).stderr).toContain('no basic auth credentials');
      expect((await docker(['login', '-u', 'me', '-p', 'wrong', registry.host])).stderr).toContain('401 Unauthorized');
      expect(await ok('login', '-u', 'me', '-p', 'secret', registry.host)).toContain('Login Succeeded');
      const pushed = /digest: (sha256:\S+)/.exec(await ok('push', name))?.[1];
      expect(pushed).toBeDefined();
      expect(await ok('inspect', '-f', '{{index .RepoDigests 0}}', name)).toBe(`${name.replace(/:1$/, '')}@${pushed}`);
      await ok('rmi', name);
      await ok('pull', '-q', name);
      expect((await inspect(name)).Id).toBe(plain);
      expect(await ok('manifest', 'inspect', '--insecure', name)).toContain('rootfs.diff.tar.gzip');
      await ok('logout', registry.host);
      expect((await docker(['pull', name])).stderr).toContain('no basic auth credentials');
      await ok('rmi', name);
    } finally {
      await registry.stop();
    }
  });

  it('hold a large file in the memory of a piece', async () => {
    const { ok, engine } = fixture;
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${engine.pid}/status`, 'utf8'))?.[1]) / 1024;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, memory())), 20);
    try {
      const before = memory();
      await exec(
        [
          'sh',
          '-c',
          `truncate -s 400M big && tar -cf - big | docker import - big:1 && docker save big:1 | docker load`,
        ],
        {
          env: { PATH: process.env['PATH'], HOME: engine.directory, DOCKER_HOST: `unix://${engine.socket}` },
          cwd: engine.directory,
          timeout: 60_000,
        },
      );
      // workers and their buffers, but nothing that grows with the file
      expect(most - before).toBeLessThan(200);
    } finally {
      clearInterval(watch);
    }
    await ok('rmi', 'big:1');
  });

  it('leave building and searching aside, and say so', async () => {
    const { engine, docker, ok } = fixture;
    for (const path of ['/build', '/session', '/grpc'])
      expect(await engine.request('POST', path)).toMatchObject({
        status: 501,
        body: { message: expect.stringContaining('building images is not yet part of Berth') as string },
      });
    expect((await docker(['search', 'x'])).stderr).toContain('pull it by name');
    expect(await ok('builder', 'prune', '-f')).toContain('Total reclaimed space: 0B');
    expect(await ok('system', 'prune', '-f')).toContain('Total reclaimed space');
  });
});
