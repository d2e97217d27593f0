import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleSuite } from '../electron/machine/testing/bundle-suite.ts';
import { testGuest } from '../electron/machine/testing/guest.ts';

// One start of the guest for all of these: under emulation it takes seconds.
const guest = testGuest();
const out = async (command: string) => (await guest.sh(command)).stdout.trim();

beforeAll(async () => {
  const started = await guest.berth('start');
  expect(started.code, started.stderr).toBe(0);
}, 180_000);
afterAll(() => guest.remove(), 60_000);

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

  test('passes the conformance suite of control groups on its unified hierarchy', async () => {
    const script = await bundleSuite('agent/cgroups/v2.kernel.test.ts');
    const { code, stdout } = await guest.sh(
      'cat >/tmp/suite.mjs && node --test --test-reporter=tap /tmp/suite.mjs',
      script,
    );
    expect(code, stdout).toBe(0);
    expect(Number(/^# pass (\d+)/m.exec(stdout)?.[1])).toBeGreaterThan(5);
  }, 120_000);
});
