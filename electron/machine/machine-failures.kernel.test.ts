import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './testing/ask.ts';
import { busyboxImage, processesOf, processOf, testGuest, type TestGuest } from './testing/guest.ts';

// What befalls a machine, one after the other, on one guest whose folder is on a small disk of its own.
const MIB = 2 ** 20;
let guest: TestGuest;
let disk: string;

beforeAll(async () => {
  guest = testGuest();
  disk = guest.home;
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=768m', 'tmpfs', disk]);
  const started = await guest.berth('start', '--cpus', '2', '--memory', '768', '--disk', '4', '--no-folders');
  expect(`${started.stderr}${started.code}`).toMatch(/0$/);
  await busyboxImage(guest);
}, 300_000);
afterAll(async () => {
  await guest.berth('kill');
  execFileSync('umount', ['--lazy', disk]); // its holder may be about to end
  await guest.remove();
}, 60_000);

const taken = () => statSync(join(disk, 'data.raw')).blocks * 512;
const said = async (command: string) => (await guest.sh(command)).stdout.trim();
const md5 = async () => (await said('md5sum /var/lib/berth/engine/volumes/kept/_data/noise')).split(' ')[0];

describe('a machine', { timeout: 120_000 }, () => {
  it('stands still when this host’s disk is full, says so with what to do, and goes on with nothing lost', async () => {
    const free = Number(execFileSync('df', ['-B1', '--output=avail', disk], { encoding: 'utf8' }).split('\n')[1]);
    execFileSync('fallocate', ['-l', String(free - 4 * MIB), join(disk, 'ballast')]);
    const noise = 'dd if=/dev/urandom of=/kept/noise bs=64k count=160 2>/dev/null; sync; busybox md5sum /kept/noise';
    await guest.ok('run', '-d', '--name', 'writer', '-v', 'kept:/kept', 'bb', 'sh', '-c', noise);
    await until(async () => (await guest.status()).standstill !== undefined);
    const began = performance.now();
    const { stdout } = await guest.berth('status');
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(stdout).toMatch(
      /The disk of this computer is full[^]*the machine stands still[^]*what to do: Free some room/,
    );
    expect(stdout).toMatch(/image +\d+\.\d+\.\d+ sha256:[0-9a-f]{64} \//);
    rmSync(join(disk, 'ballast'));
    expect(await guest.ok('wait', 'writer')).toBe('0');
    await until(async () => (await guest.status()).standstill === undefined);
    const written = (await guest.ok('logs', 'writer')).split(' ')[0];
    await guest.sh('sync; echo 3 >/proc/sys/vm/drop_caches');
    expect(await md5()).toBe(written);
    await guest.ok('rm', 'writer');
  });

  it('each hour gives back what is free, and cuts its logs', async () => {
    await guest.sh(
      'head -c 41943040 /usr/bin/node >/var/lib/berth/large; sync; rm /var/lib/berth/large; sync; (yes "a line of a log" | head -n 99999; echo the last one) >/run/berth/test.log',
    );
    const before = taken();
    await guest.sh('/usr/lib/berth/hourly now');
    expect(before - taken()).toBeGreaterThan(35 * MIB);
    expect(Number(await said('stat -c %s /run/berth/test.log'))).toBe(256 * 1024);
    expect(await said('tail -n 1 /run/berth/test.log')).toBe('the last one');
  });

  it('has a console on this host that does not grow without end, and is written on after it was cut', async () => {
    const path = join(disk, 'console.log');
    appendFileSync(path, 'said long ago\n'.repeat(100_000));
    await until(async () => statSync(path).size < 200_000);
    await guest.sh('echo "berth: said after the cut" >/dev/console');
    await until(async () => readFileSync(path, 'latin1').includes('berth: said after the cut'));
    expect(readFileSync(path, 'latin1')).toMatch(/^said long ago\n[^\0]*$/);
  });

  it('whose holder was killed is ended in order by two starts at once, of which one starts it again', async () => {
    const orderly = 'trap "sleep 1; echo in order >/kept/end; exit 0" TERM; while :; do sleep 0.1; done';
    await guest.ok('run', '-d', '--name', 'orderly', '-v', 'kept:/kept', 'bb', 'sh', '-c', orderly);
    await guest.ok('run', '-d', '--name', 'deaf', 'bb', 'sleep', '1000');
    const { pid = 0 } = await guest.status();
    process.kill(pid, 'SIGKILL');
    const starts = await Promise.all([guest.berth('start'), guest.berth('start')]);
    const log = readFileSync(join(disk, 'holder.log'), 'utf8');
    expect(
      starts.map(({ code, stderr }) => `${stderr}${code}`),
      log,
    ).toEqual(['0', '0']);
    expect(starts.filter(({ stdout }) => stdout.includes('being started already'))).toHaveLength(1);
    expect(processesOf(guest)).toHaveLength(1);
    expect(await guest.status()).toMatchObject({ state: 'running' });
    expect(await said('cat /var/lib/berth/engine/volumes/kept/_data/end')).toBe('in order');
    const end = (name: string) => guest.ok('inspect', name, '--format', '{{.State.Status}} {{.State.ExitCode}}');
    expect(await end('orderly')).toBe('exited 0');
    expect(await end('deaf')).toBe('exited 137');
  });

  it('that does not stop is ended when its time is over, which is said, and its disk is sound', async () => {
    await guest.sh('printf "#!/bin/busybox sh\\nsleep 1000\\n" >/tmp/hang; chmod 755 /tmp/hang');
    await guest.sh('mount --bind /tmp/hang /usr/lib/berth/shutdown; echo kept >/var/lib/berth/kept; sync');
    const began = performance.now();
    expect(await guest.berth('stop', '--timeout', '4')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^stopped hard/),
    });
    expect(performance.now() - began).toBeGreaterThan(4_000);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(processOf(guest)).toBeUndefined();
    expect(await guest.status()).toMatchObject({ state: 'stopped', endedHard: true });
    expect((await guest.berth('status')).stdout).toContain('ended    hard');

    const { stderr, code } = await guest.berth('start');
    expect(`${stderr}${code}`).toBe('0');
    expect((await guest.status()).endedHard).toBeUndefined();
    expect(await said('cat /var/lib/berth/kept')).toBe('kept');
    expect(await said('dmesg | grep -c "EXT4-fs (vdb): recovery complete"')).toBe('1');
    expect(await said('dmesg | grep -ci "ext4-fs error"')).toBe('0');
  });

  it('whose process hangs is ended just so', async () => {
    process.kill(processOf(guest) ?? 0, 'SIGSTOP');
    expect(await guest.berth('stop', '--timeout', '3')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^stopped hard/),
    });
    expect(processOf(guest)).toBeUndefined();
  });
});
