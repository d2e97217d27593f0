import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';
import { freePort } from './testing/index.ts';

const HOST_ROOT = 100_000;

interface Inspected {
  State: { Pid: number };
  GraphDriver: { Data: Record<string, string> };
}

describe.each(['crun', 'runc'] as const)('userns-remap with %s', (runtime) => {
  let fixture: DockerFixture;
  let port: number;
  beforeAll(async () => {
    fixture = await dockerFixture({ runtime, config: { 'userns-remap': 'default' } });
    port = await freePort();
  });
  afterAll(() => fixture?.close());

  const inspect = async (name: string) =>
    (JSON.parse(await fixture.ok('inspect', name)) as Inspected[])[0] as Inspected;
  const status = async (name: string) => readFileSync(`/proc/${(await inspect(name)).State.Pid}/status`, 'utf8');
  /** What is mounted below the engine's directories, as the engine sees it; not its own mount namespace's file. */
  const mounts = () =>
    readFileSync(`/proc/${fixture.engine.pid}/mountinfo`, 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((path) => path.startsWith(`${fixture.engine.directory}/`) && !path.endsWith('/mount-ns'));
  const fetched = () =>
    new Promise<string>((done, fail) => {
      request({ port, host: '127.0.0.1', agent: false, timeout: 5000 }, (answer) => {
        answer.setEncoding('utf8').on('data', done).on('error', fail);
      })
        .on('error', fail)
        .end();
    });

  /** The server inside needs a moment after it was started. */
  const served = () =>
    eventually(
      () => fetched().catch((error: Error) => error.message),
      (text) => text.trim() === 'served',
      'the published port',
    );

  it('refuses where the container could not pass to its root, and says what to do', async () => {
    chmodSync(fixture.engine.directory, 0o700);
    const { code, stderr } = await fixture.docker(['create', fixture.image]);
    expect(code).toBe(1);
    expect(stderr).toContain(`containers cannot pass through ${fixture.engine.directory} (mode 700): chmod o+x`);
    chmodSync(fixture.engine.directory, 0o711);
  });

  it('runs as root inside and as nobody in particular outside', async () => {
    const { ok, engine, image } = fixture;
    const bind = join(engine.directory, 'bind');
    mkdirSync(bind, { mode: 0o755 });
    writeFileSync(join(bind, 'f'), 'host', { mode: 0o644 });
    const script =
      'touch /mine /v/mine; chown 33:33 /mine; mkdir /www; echo served > /www/index.html; exec httpd -f -p 80 -h /www';
    const volumes = ['-v', 'vol:/v', '-v', `${bind}:/b`, '--tmpfs', '/t', '-w', '/made/here'];
    await ok('run', '-d', '--name', 'web', '-p', `127.0.0.1:${port}:80`, ...volumes, image, 'sh', '-c', script);
    expect(await ok('exec', 'web', 'sh', '-c', 'id -u; id -g; cat /proc/self/uid_map')).toMatch(
      /^0\n0\n\s*0 +100000 +65536$/,
    );
    expect(await status('web')).toMatch(/^Uid:\t100000\t100000\t100000\t100000$/m);
    const isolation = await engine.request('GET', '/berth/v1/containers/web/isolation');
    expect(isolation.body).toMatchObject({ uidMap: '0 100000 65536' });
    expect(await ok('info', '-f', '{{.SecurityOptions}}')).toContain('name=userns');
  });

  it('shows the files of the image, of volumes, tmpfs and the engine as root’s, those of the host as nobody’s', async () => {
    const paths = [
      '/',
      '/bin/sh',
      '/etc/hosts',
      '/etc/resolv.conf',
      '/v',
      '/v/mine',
      '/t',
      '/made/here',
      '/dev/shm',
      '/b',
      '/b/f',
    ];
    const owners = (await fixture.ok('exec', 'web', 'stat', '-c', '%u:%g', ...paths)).split('\n');
    expect(owners).toEqual([...Array.from({ length: 9 }, () => '0:0'), '65534:65534', '65534:65534']);
    expect(await fixture.ok('exec', 'web', 'stat', '-c', '%g', '/etc/shadow')).toBe('42');
    expect((await fixture.docker(['exec', 'web', 'sh', '-c', 'echo x > /b/f'])).stderr).toContain('Permission denied');
  });

  it('keeps what it writes under its own ids on the host, and volumes under plain ones', async () => {
    const { UpperDir = '' } = (await inspect('web')).GraphDriver.Data;
    expect(statSync(join(UpperDir, 'mine'))).toMatchObject({ uid: HOST_ROOT + 33, gid: HOST_ROOT + 33 });
    expect(statSync(join(UpperDir, 'www'))).toMatchObject({ uid: HOST_ROOT, gid: HOST_ROOT });
    expect(statSync(join(fixture.engine.root, 'volumes/vol/_data/mine'))).toMatchObject({ uid: 0, gid: 0 });
    expect(
      await fixture.ok('run', '--rm', '--userns', 'host', '-v', 'vol:/v', fixture.image, 'stat', '-c', '%u', '/v/mine'),
    ).toBe('0');
  });

  it('publishes ports, and lends its namespaces to containers with the same ids', async () => {
    expect(
      await fixture.ok(
        'run',
        '--rm',
        '--network',
        'container:web',
        '--pid',
        'container:web',
        fixture.image,
        'wget',
        '-qO-',
        '127.0.0.1:80',
      ),
    ).toBe('served');
    await served();
    await fixture.ok('run', '-d', '--name', 'plain', '--userns', 'host', fixture.image, 'sleep', '600');
    const { stderr } = await fixture.docker(['run', '--rm', '--network', 'container:plain', fixture.image, 'true']);
    expect(stderr).toContain('cannot join network namespace of container plain: it belongs to another user namespace');
    await fixture.ok('rm', '-f', 'plain');
  });

  it('runs as another user, and lets it write to its output by name', async () => {
    const { docker, image } = fixture;
    const nobody = await docker([
      'run',
      '--rm',
      '-u',
      'nobody',
      image,
      'sh',
      '-c',
      'id -u; echo fine > /dev/stdout; cat /etc/shadow; exit 3',
    ]);
    expect(nobody).toMatchObject({ code: 3, stdout: '65534\nfine' });
    expect(nobody.stderr).toContain('Permission denied');
    const exec = await docker(['exec', '-i', '-u', 'www-data', 'web', 'sh', '-c', 'id -u; cat > /dev/stdout'], {
      input: 'typed',
    });
    expect(exec).toMatchObject({ code: 0, stdout: '33\ntyped' });
    for (let round = 0; round < 8; round += 1)
      expect(await docker(['exec', '-t', 'web', 'id', '-u'])).toMatchObject({ code: 0, stdout: '0' });
    expect(statSync('/dev/null')).toMatchObject({ uid: 0, gid: 0 });
  });

  it('copies, tells changes and exports with the ids of the container, running or not', async () => {
    const { ok, engine } = fixture;
    const file = join(engine.directory, 'in');
    writeFileSync(file, 'in', { mode: 0o640 });
    await ok('cp', '-a', file, 'web:/in');
    expect(await ok('exec', 'web', 'stat', '-c', '%u:%g', '/in')).toBe('0:0');
    const changes = (await ok('diff', 'web')).split('\n');
    expect(changes).toEqual(expect.arrayContaining(['A /in', 'A /mine', 'A /www/index.html', 'A /made/here']));
    expect(changes.filter((line) => line.startsWith('C'))).toEqual([]);
    await ok('cp', '-a', file, 'web:/v/running');
    const owners = async (path: string) => tarOwner(await ok('cp', `web:${path}`, '-'));
    expect([await owners('/mine'), await owners('/v/mine'), await owners('/bin/busybox')]).toEqual([33, 0, 0]);
    await ok('stop', '-t', '0', 'web');
    expect([await owners('/mine'), await owners('/v/mine'), await owners('/bin/busybox')]).toEqual([33, 0, 0]);
    await ok('cp', '-a', file, 'web:/v/in');
    expect(statSync(join(engine.root, 'volumes/vol/_data/in'))).toMatchObject({ uid: 0, gid: 0 });
    await ok('start', 'web');
    expect(await ok('exec', 'web', 'stat', '-c', '%u:%g', '/v/in', '/v/running', '/in')).toBe('0:0\n0:0\n0:0');
  });

  it('goes on when the engine is killed, and leaves nothing mounted when it is removed', async () => {
    const { ok, engine, image } = fixture;
    const { Pid } = (await inspect('web')).State;
    await engine.kill();
    // As an engine that was killed while it made a container would leave it.
    mkdirSync(join(engine.runDir, 'mapped/left'), { recursive: true });
    await engine.start();
    expect((await inspect('web')).State.Pid).toBe(Pid);
    expect(existsSync(join(engine.runDir, 'mapped/left'))).toBe(false);
    expect(await ok('exec', 'web', 'cat', '/proc/self/uid_map')).toMatch(/100000/);
    await served();
    await ok('network', 'create', 'second');
    await ok('network', 'connect', 'second', 'web');
    expect(await ok('run', '--rm', '--network', 'second', image, 'wget', '-qO-', 'http://web/')).toBe('served');
    await ok('restart', '-t', '0', 'web');
    await served();
    expect(mounts().length).toBeGreaterThan(0);
    await ok('rm', '-f', 'web');
    expect(mounts()).toEqual([]);
  });

  it('refuses what does not go with it, and gives the host’s ids to those who ask', async () => {
    const { docker, ok, image } = fixture;
    const refused = async (...args: string[]) => (await docker(['run', '--rm', ...args, image, 'true'])).stderr;
    expect(await refused('--privileged')).toContain(
      'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
    );
    expect(await refused('--network', 'host')).toContain(
      "cannot share the host's network namespace when user namespaces are enabled",
    );
    expect(await refused('--pid', 'host')).toContain(
      'cannot share the host PID namespace when user namespaces are enabled',
    );
    expect(await ok('run', '--rm', '--privileged', '--userns', 'host', image, 'cat', '/proc/self/uid_map')).toMatch(
      /0 +0 +4294967295/,
    );
    expect(await ok('ps', '-aq')).toBe('');
    expect(mounts()).toEqual([]);
  });
});

/** Owner of the first entry of an archive (ustar: 8 octal digits at 108). */
const tarOwner = (archive: string): number => Number.parseInt(archive.slice(108, 115), 8);

describe('UsernsMode', () => {
  let fixture: DockerFixture;
  beforeAll(async () => {
    fixture = await dockerFixture();
    chmodSync(fixture.engine.directory, 0o711);
  });
  afterAll(() => fixture?.close());

  it('private gives one container ids of its own where others have the host’s', async () => {
    const { engine, image, ok } = fixture;
    const create = (UsernsMode: string) =>
      engine.request('POST', `/containers/create?name=mode${UsernsMode}`, {
        Image: image,
        Cmd: ['cat', '/proc/self/uid_map'],
        HostConfig: { UsernsMode },
      });
    for (const [mode, shown] of [
      ['private', /0 +100000 +65536/],
      ['', /0 +0 +4294967295/],
      ['host', /0 +0 +4294967295/],
    ] as const) {
      expect((await create(mode)).status).toBe(201);
      expect(await ok('start', '-a', `mode${mode}`)).toMatch(shown);
    }
    expect((await create('auto')).body).toEqual({ message: 'invalid userns mode: auto' });
    expect(await ok('info', '-f', '{{.SecurityOptions}}')).not.toContain('userns');
  });
});
