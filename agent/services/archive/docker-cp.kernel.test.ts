import { execFileSync } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, type DockerFixture } from '../../docker-cli-fixture.ts';

let fixture: DockerFixture;
let here: string;
const docker = (...args: string[]) => fixture.docker(args);
const ok = (...args: string[]) => fixture.ok(...args);

beforeAll(async () => {
  fixture = await dockerFixture();
  here = await mkdtemp(join(tmpdir(), 'berth-cp-'));
  await ok('volume', 'create', 'stuff');
  await ok(
    'run',
    '-d',
    '--name',
    'up',
    '--network',
    'none',
    '-v',
    'stuff:/vol',
    '--tmpfs',
    '/t',
    fixture.image,
    'sh',
    '-c',
    'echo tmp > /t/f; echo volume > /vol/f; mkdir -p /d/sub; echo deep > /d/sub/f; ln -s /d /link; ln -s sub/f /d/rel; sleep 1000',
  );
  await ok('create', '--name', 'down', '-v', 'stuff:/vol', fixture.image, 'true');
});
afterAll(async () => {
  await docker('rm', '-f', '-v', 'up', 'down');
  await fixture?.close();
  await rm(here, { recursive: true, force: true });
});

describe('docker cp', () => {
  it('copies out of a running container: files, directories, volumes, tmpfs', async () => {
    await ok('cp', 'up:/d', here);
    expect(await readFile(join(here, 'd/sub/f'), 'utf8')).toBe('deep\n');
    expect(await readlink(join(here, 'd/rel'))).toBe('sub/f');
    await ok('cp', 'up:/d/.', join(here, 'renamed'));
    expect(await readFile(join(here, 'renamed/sub/f'), 'utf8')).toBe('deep\n');
    await ok('cp', 'up:/t/f', join(here, 'tmp'));
    await ok('cp', 'up:/vol/f', join(here, 'vol'));
    expect([await readFile(join(here, 'tmp'), 'utf8'), await readFile(join(here, 'vol'), 'utf8')]).toEqual([
      'tmp\n',
      'volume\n',
    ]);
  });
  it('copies a link, or with -L what it leads to', async () => {
    await ok('cp', 'up:/link', join(here, 'as-link'));
    expect((await lstat(join(here, 'as-link'))).isSymbolicLink()).toBe(true);
    await ok('cp', '-L', 'up:/link', join(here, 'as-directory'));
    expect(await readFile(join(here, 'as-directory/sub/f'), 'utf8')).toBe('deep\n');
  });
  it('copies into running and created containers, and into their volumes', async () => {
    await mkdir(join(here, 'in/sub'), { recursive: true });
    await writeFile(join(here, 'in/sub/f'), 'from outside', { mode: 0o640 });
    await symlink('sub/f', join(here, 'in/l'));
    await ok('cp', join(here, 'in'), 'up:/tmp');
    expect(await ok('exec', 'up', 'cat', '/tmp/in/l')).toBe('from outside');
    await ok('cp', join(here, 'in/sub/f'), 'up:/link/copied');
    expect(await ok('exec', 'up', 'stat', '-c', '%a %s', '/d/copied')).toBe('640 12');
    await ok('cp', `${join(here, 'in')}/.`, 'down:/vol');
    expect(await ok('exec', 'up', 'cat', '/vol/sub/f')).toBe('from outside');
    await ok('cp', 'down:/vol/sub', join(here, 'back'));
    expect(await readFile(join(here, 'back/f'), 'utf8')).toBe('from outside');
  });
  it('streams with "-"', async () => {
    const tar = execFileSync('tar', ['-cf', '-', '-C', join(here, 'in'), 'sub']);
    const put = await fixture.docker(['cp', '-', 'up:/t'], { input: tar });
    expect(put).toMatchObject({ code: 0 });
    expect(await ok('exec', 'up', 'cat', '/t/sub/f')).toBe('from outside');
  });
  it('keeps a large file whole both ways', async () => {
    const content = Buffer.alloc(20_000_000);
    for (let at = 0; at < content.length; at += 4) content.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
    await writeFile(join(here, 'big'), content);
    await ok('cp', join(here, 'big'), 'up:/tmp/big');
    await ok('cp', 'up:/tmp/big', join(here, 'big2'));
    expect((await readFile(join(here, 'big2'))).equals(content)).toBe(true);
  });
  it('says what is not there, in Docker’s words', async () => {
    expect((await docker('cp', 'up:/nope', here)).stderr).toContain('Could not find the file /nope in container up');
    expect((await docker('cp', join(here, 'in'), 'up:/no/such/')).code).toBe(1);
    expect((await docker('cp', 'nobody:/x', here)).stderr).toContain('No such container: nobody');
  });
});

it('docker diff names what was changed, without what the engine itself put there', async () => {
  const changes = (await ok('diff', 'up')).split('\n');
  expect(changes).toEqual(expect.arrayContaining(['A /d', 'A /d/sub', 'A /d/sub/f', 'A /link']));
  expect(changes.filter((line) => /\/etc\/(hosts|hostname|resolv.conf)|\/proc|\/sys|\/dev/.test(line))).toEqual([]);
  expect(changes).not.toContain('C /etc');
});

it('docker export gives the whole root', async () => {
  await ok('export', '-o', join(here, 'all.tar'), 'up');
  const names = execFileSync('tar', ['-tf', join(here, 'all.tar')], { encoding: 'utf8' }).split('\n');
  expect(names).toEqual(expect.arrayContaining(['d/sub/f', 'bin/busybox', 'vol/']));
  expect(names).not.toContain('vol/f');
});

describe('volumes', () => {
  it('are listed, inspected, refused while in use, removed and pruned', async () => {
    expect((await ok('volume', 'ls', '-q', '-f', 'name=stuff')).split('\n')).toEqual(['stuff']);
    const where = await ok('volume', 'inspect', '-f', '{{.Mountpoint}}', 'stuff');
    expect((await stat(join(where, 'f'))).isFile()).toBe(true);
    expect((await docker('volume', 'rm', 'stuff')).stderr).toMatch(
      /remove stuff: volume is in use - \[[0-9a-f]{64}, [0-9a-f]{64}\]/,
    );
    await ok('volume', 'create', '--label', 'a=b', 'spare');
    expect(await ok('volume', 'prune', '-af')).toContain('spare');
    expect((await docker('volume', 'inspect', 'spare')).stderr).toMatch(/no such volume/);
    expect((await docker('volume', 'create', 'a/b')).stderr).toContain(
      'includes invalid characters for a local volume name',
    );
  });
  it('go with the container when nobody named them and --rm says so', async () => {
    const before = await ok('volume', 'ls', '-q');
    await ok('run', '--rm', '--network', 'none', '-v', '/anon', fixture.image, 'touch', '/anon/x');
    expect(await ok('volume', 'ls', '-q')).toBe(before);
  });
  it('of type tmpfs are shared by containers', async () => {
    await ok('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m', 'ram');
    expect(
      await ok('run', '--rm', '--network', 'none', '-v', 'ram:/r', fixture.image, 'sh', '-c', 'mount | grep " /r "'),
    ).toMatch(/tmpfs.*size=1024k/);
    await ok('volume', 'rm', 'ram');
  });
});

it('docker update changes limits in force', async () => {
  await ok('update', '--memory', '64m', '--memory-swap', '128m', '--cpus', '0.5', '--pids-limit', '50', 'up');
  expect(
    await ok(
      'exec',
      'up',
      'cat',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us',
      '/sys/fs/cgroup/pids/pids.max',
    ),
  ).toBe('67108864\n50000\n50');
  expect((await docker('update', '--cpu-quota', '20000', 'up')).stderr).toContain(
    'CPU Quota cannot be updated as NanoCPUs has already been set',
  );
});

describe('docker run refuses', () => {
  it.each([
    [['-m', '1m'], 'Minimum memory limit allowed is 6MB'],
    [['--cpus', '64'], 'as there are only'],
    [['--cpuset-cpus', '99'], 'Requested CPUs are not available - requested 99'],
    [['--cap-add', 'FOO'], 'invalid CapAdd: unknown capability: "CAP_FOO"'],
    [['--mount', 'type=bind,src=/no/such,dst=/x'], 'bind source path does not exist: /no/such'],
    [['-v', '/tmp:/x', '-v', '/etc:/x'], 'Duplicate mount point: /x'],
    [['-u', 'alice'], 'unable to find user alice: no matching entries in passwd file'],
    [['--restart', 'always', '--rm'], ''],
    [['-w', 'relative'], "the working directory 'relative' is invalid, it needs to be an absolute path"],
    [['--userns', 'private'], 'userns'],
    [['--log-driver', 'syslogd'], "no log driver named 'syslogd' is registered"],
    [['--stop-signal', 'FOO'], 'invalid signal: FOO'],
    [['--gpus', 'all'], 'could not select device driver "" with capabilities: [[gpu]]'],
  ])('%j', async (args, message) => {
    const result = await docker('run', '--rm', '--network', 'none', ...args, fixture.image, 'true');
    expect(result.code).toBe(125);
    expect(result.stderr).toContain(message);
    expect((await ok('ps', '-aq')).split('\n')).toHaveLength(2);
  });
  it('gives what it takes: init, read-only root, devices, ulimits, shm, sysctls', async () => {
    const script =
      'cat /proc/1/comm; touch /x 2>/dev/null || echo ro; ls /dev/fuse2; ulimit -n; df -k /dev/shm | grep -c 2048; cat /proc/sys/kernel/msgmax';
    const out = await ok(
      'run',
      '--rm',
      '--network',
      'none',
      '--init',
      '--read-only',
      '--device',
      '/dev/null:/dev/fuse2',
      '--ulimit',
      'nofile=100:200',
      '--shm-size',
      '2m',
      '--sysctl',
      'kernel.msgmax=5000',
      fixture.image,
      'sh',
      '-c',
      script,
    );
    expect(out.split('\n')).toEqual([expect.stringMatching(/init|tini/), 'ro', '/dev/fuse2', '100', '1', '5000']);
  });
});
