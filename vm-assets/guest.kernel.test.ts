import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleSuite } from '../electron/machine/testing/bundle-suite.ts';
import { busyboxImage, REPOSITORY, run, testGuest } from '../electron/machine/testing/guest.ts';
import type { ImageManifest } from './build/image.ts';
import { buildGuest } from './build/main.ts';
import { cacheDirectory } from './build/recipe.ts';

// One start of the guest for all of these: under emulation it takes seconds.
// It boots each time, as on the hosts that keep no starts, and has its folder by 9p, as on those without virtiofsd; the machine's own tests
// have the others.
const guest = testGuest({ env: { BERTH_MACHINE_FOLDERS: '9p', BERTH_MACHINE_BOOTS: '1' } });
let shared: string;
const out = async (command: string) => (await guest.sh(command)).stdout.trim();

beforeAll(async () => {
  shared = mkdtempSync(join(homedir(), '.berth-test-'));
  const started = await guest.berth('start', '--folder', shared);
  expect(started.code, started.stderr).toBe(0);
}, 180_000);
afterAll(async () => {
  await guest.remove();
  rmSync(shared, { recursive: true, force: true });
}, 60_000);

describe('the guest', () => {
  test('has no processes but its own few', async () => {
    const processes = await out("ps -o args | grep -v '^\\[\\|^ps\\|^sh \\|^{ps}\\|^COMMAND\\|^grep'");
    const names = processes.split('\n').map((line) => line.replace(/^\{\w+\} /, '').split(' ')[0]);
    const known = /^(.*busybox|init|node|dropbear|\/usr\/lib\/berth\/\w+|sh|sleep)$/;
    expect(names.filter((name) => !known.test(name ?? ''))).toEqual([]);
  });

  test('takes less than 200 MB', async () => {
    const value = async (name: string) => Number(/\d+/.exec(await out(`grep ^${name}: /proc/meminfo`))?.[0]);
    expect(((await value('MemTotal')) - (await value('MemAvailable'))) / 1024).toBeLessThan(200);
  });

  test('lets nobody in but the key of this machine, and no password at all', async () => {
    const { default: ssh2 } = await import('ssh2');
    const { sshPort = 0 } = await guest.status();
    const stranger = ssh2.utils.generateKeyPairSync('ed25519').private;
    const refused = (login: object) =>
      new Promise<string>((done) => {
        const client = new ssh2.Client();
        client.on('ready', () => done('let in')).on('error', (error) => done(error.message));
        client.connect({ host: '127.0.0.1', port: sshPort, username: 'root', readyTimeout: 30_000, ...login });
      });
    expect(await refused({ privateKey: stranger })).toContain('authentication methods failed');
    expect(await refused({ password: '' })).toContain('authentication methods failed');
    expect(await out('grep -c "^root:[*]:" /etc/shadow')).toBe('1');
  });

  test('has a root that the image decides', async () => {
    expect(await out('cat /sys/block/vda/ro')).toBe('1');
    // with folders of the host there is a layer in memory over it
    expect(await out('awk \'$2 == "/" { print $3 }\' /proc/mounts')).toMatch(/^(erofs|overlay)$/);
  });

  test('is set up for what developers run', async () => {
    expect(await out('cat /proc/sys/vm/max_map_count')).toBe('1048576');
    expect(await out('cat /proc/sys/fs/inotify/max_user_watches')).toBe('1048576');
    expect(await out('cat /proc/sys/fs/inotify/max_user_instances')).toBe('8192');
    expect(await out('cat /proc/sys/net/ipv4/ip_forward')).toBe('1');
    const controllers = await out('cat /sys/fs/cgroup/cgroup.subtree_control');
    expect(controllers.split(' ')).toEqual(expect.arrayContaining(['cpu', 'cpuset', 'io', 'memory', 'pids']));
  });

  test('starts its engine again when that dies, and keeps its socket', async () => {
    const pid = await out('cat /run/berth/engine/engine.pid');
    await guest.sh(`kill -9 ${pid}`);
    await expect
      .poll(async () => (await guest.docker(['version', '--format', '{{.Server.Os}}'])).stdout, { timeout: 60_000 })
      .toBe('linux');
    expect(await out('cat /run/berth/engine/engine.pid')).not.toBe(pid);
  }, 90_000);

  test('has a folder of this host by 9p: what changes here is seen, there are links, modes and names that are real', async () => {
    expect((await guest.status()).folders).toMatchObject([
      { path: shared, how: '9p', state: 'mounted', notify: 'part' },
    ]);
    writeFileSync(join(shared, 'a'), 'one');
    expect(await out(`cat ${shared}/a`)).toBe('one');
    writeFileSync(join(shared, 'b'), 'two');
    renameSync(join(shared, 'b'), join(shared, 'a'));
    expect(
      await out(
        `cat ${shared}/a; cd ${shared}; ln -s a link; cp /bin/busybox busybox; chmod 700 busybox; ./busybox echo " runs"`,
      ),
    ).toBe('two runs');
    expect(readlinkSync(join(shared, 'link'))).toBe('a');
    const { uid, mode } = statSync(join(shared, 'busybox'));
    expect([uid, mode & 0o777]).toEqual([process.getuid?.(), 0o700]);
  });

  test('passes the conformance suite of control groups on its unified hierarchy', async () => {
    const script = await bundleSuite('agent/cgroups/v2.kernel.test.ts');
    const { code, stdout } = await guest.sh(
      'cat >/tmp/suite.mjs && node --test --test-reporter=tap /tmp/suite.mjs',
      script,
    );
    expect(code, stdout).toBe(0);
    expect(Number(/^# pass (\d+)/m.exec(stdout)?.[1])).toBeGreaterThan(5);
  }, 120_000);

  test('comes to rest when nobody asks it, and then takes less than a hundredth of a processor', async () => {
    // user, nice, system, idle, waiting, interrupts, soft interrupts: hundredths of a second, of all processors (proc_stat(5))
    const busy = (line = '') => {
      const [user = 0, nice = 0, system = 0, , , hard = 0, soft = 0] = line.split(/\s+/).slice(1).map(Number);
      return user + nice + system + hard + soft;
    };
    const percent = async () => {
      const [before, after] = (await out('head -1 /proc/stat; sleep 10; head -1 /proc/stat')).split('\n');
      return (busy(after) - busy(before)) / 10;
    };
    await expect.poll(percent, { timeout: 120_000 }).toBeLessThan(1);
  }, 150_000);

  test('goes back to the last image that got ready, with the same data, when a new one does not', async () => {
    await guest.sh('echo kept >/var/lib/berth/of-the-user');
    await guest.berth('stop');
    const image = await buildGuest();
    const broken = join(guest.home, 'broken');
    mkdirSync(broken);
    for (const name of ['kernel', 'initrd']) copyFileSync(join(image, name), join(broken, name));
    const manifest = JSON.parse(readFileSync(join(image, 'manifest.json'), 'utf8')) as ImageManifest;
    const root = Buffer.alloc(1024 * 1024);
    writeFileSync(join(broken, 'root'), root);
    manifest.version = '9.9.9';
    manifest.files.root.size = root.length;
    manifest.files.root.sha256 = createHash('sha256').update(root).digest('hex');
    writeFileSync(join(broken, 'manifest.json'), JSON.stringify(manifest));

    const started = await guest.berth('start', '--image', broken);
    expect(started.code, started.stderr).toBe(0);
    const { state, warnings, imageVersion, imageDigest } = await guest.status();
    expect(state).toBe('running');
    // which of the two it is, is told
    const kept = readFileSync(join(image, 'manifest.json'));
    expect(imageDigest).toBe(`sha256:${createHash('sha256').update(kept).digest('hex')}`);
    expect(imageVersion).toBe((JSON.parse(kept.toString()) as ImageManifest).version);
    expect(warnings.join()).toMatch(
      /new image of the machine \(9\.9\.9\) did not get ready: the root image cannot be mounted/,
    );
    expect(await out('cat /var/lib/berth/of-the-user')).toBe('kept');

    const archive = execFileSync('tar', ['-C', '/', '-c', 'bin/busybox'], { maxBuffer: 2 ** 24 });
    const imported = await guest.docker(['import', '-', 'busybox'], archive);
    expect(imported.code, imported.stderr).toBe(0);
    const shell = ['busybox', '/bin/busybox', 'sh', '-c'];
    const limits = 'read -r limit </sys/fs/cgroup/memory.max; echo $limit';
    expect(await guest.ok('run', '--rm', '-m', '64m', ...shell, limits)).toBe(String(64 * 2 ** 20));
    expect(await guest.ok('run', '--rm', '--network', 'none', ...shell, 'echo in a container')).toBe('in a container');

    // by 9p: what changes below the folder that is mounted is told
    await busyboxImage(guest);
    mkdirSync(join(shared, 'below'));
    const watch =
      "require('fs').watch('/src/below',(_,name)=>console.log('told',name));setInterval(()=>{},1e3);console.log('ready')";
    const mounts = ['-v', '/usr:/usr:ro', '-v', `${shared}:/src`];
    await guest.ok(
      'run',
      '-d',
      '--name',
      'watcher',
      '--network',
      'none',
      ...mounts,
      'bb',
      '/usr/bin/node',
      '-e',
      watch,
    );
    const log = () => guest.ok('logs', 'watcher');
    await expect.poll(log, { timeout: 30_000 }).toContain('ready');
    const told = async () => {
      appendFileSync(join(shared, 'below/file'), '+');
      return log();
    };
    await expect.poll(told, { timeout: 30_000 }).toContain('told file');
  }, 120_000);
});

describe('the image', () => {
  test('has at most 90 MB, compressed as it is sent', async () => {
    const manifest = JSON.parse(readFileSync(join(await buildGuest(), 'manifest.json'), 'utf8')) as ImageManifest;
    expect((manifest.files.root.compressed + manifest.files.kernel.compressed) / 1e6).toBeLessThan(90);
  });

  test('is the same, to the last byte, when it is made of the same packages in another place, once by two builds', async () => {
    const first = readFileSync(join(await buildGuest(), 'manifest.json'), 'utf8');
    const other = mkdtempSync(join(tmpdir(), 'berth-image-'));
    try {
      mkdirSync(join(other, 'berth/guest'), { recursive: true });
      symlinkSync(join(cacheDirectory(), 'debs'), join(other, 'berth/guest/debs'));
      const env = { ...process.env, XDG_CACHE_HOME: other, TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8' };
      const build = () => run([join(REPOSITORY, 'bin/berth'), 'machine', 'build'], { env });
      const [one, two] = await Promise.all([build(), build()]);
      expect([one.code, two.code], one.stderr + two.stderr).toEqual([0, 0]);
      expect(readFileSync(join(one.stdout, 'manifest.json'), 'utf8')).toBe(first);
      // the second waited for the first, and found what that made
      expect(two.stdout).toBe(one.stdout);
      expect(`${one.stderr}${two.stderr}`.match(/another build goes on/g)).toHaveLength(1);
      expect(`${one.stderr}${two.stderr}`.match(/root image: packing/g)).toHaveLength(1);
      expect(readdirSync(join(other, 'berth/guest/images'))).toHaveLength(1);
    } finally {
      rmSync(other, { recursive: true });
    }
  }, 120_000);
});
