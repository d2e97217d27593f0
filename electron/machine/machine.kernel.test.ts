import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogBatch } from '../contract/model.ts';
import { EngineClient } from '../engine/client.ts';
import { unixTransport } from '../engine/transport.ts';
import { readLogs } from '../host/logs.ts';
import { portOwner } from './port-owner.ts';
import { listen, tcp, udp, until } from './testing/ask.ts';
import { processOf, busyboxImage, testGuest, type TestGuest } from './testing/guest.ts';

// A guest as a user has it: built by the command, started once, emulated where there is no hardware for it. Figures are printed with
// BERTH_MACHINE_FIGURES=1; BERTH_MACHINE_KILLS says how often its process is killed.
const KILLS = Number(process.env['BERTH_MACHINE_KILLS'] ?? 1);
const figures: string[] = [];
let guest: TestGuest;
let shared: string;

beforeAll(async () => {
  // not below /tmp, which the guest has of its own
  shared = mkdtempSync(join(homedir(), '.berth-test-'));
  guest = testGuest();
  const started = await guest.berth('start', '--cpus', '2', '--memory', '1024', '--disk', '4', '--folder', shared);
  expect(`${started.stderr}${started.code}`).toMatch(/0$/);
  figures.push(started.stdout);
  await busyboxImage(guest);
}, 300_000);
afterAll(async () => {
  await guest?.remove();
  rmSync(shared, { recursive: true, force: true });
  if (process.env['BERTH_MACHINE_FIGURES']) process.stdout.write(`${figures.join('\n')}\n`);
}, 60_000);

const run = (...args: string[]) => guest.ok('run', '-d', ...args);
/** In a container with the guest's own Node. */
const NODE = ['-v', '/usr:/usr:ro', 'bb', '/usr/bin/node', '-e'];

describe('a machine', { timeout: 120_000 }, () => {
  it('tells each step of its start with its time, and runs containers within their limits', async () => {
    const status = await guest.status();
    expect(status).toMatchObject({ state: 'running', connection: 'connected', driver: 'qemu' });
    const times = status.steps.map(({ at }) => at ?? Number.NaN);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(await guest.ok('info', '--format', '{{.CgroupVersion}}')).toBe('2');
    expect(
      await guest.ok(
        'run',
        '--rm',
        '-m',
        '64m',
        '--cpus',
        '0.5',
        'bb',
        'cat',
        '/sys/fs/cgroup/memory.max',
        '/sys/fs/cgroup/cpu.max',
      ),
    ).toBe(`${64 * 2 ** 20}\n50000 100000`);
  });

  it('a second start shares the machine that runs', async () => {
    const { pid } = await guest.status();
    expect(await guest.berth('start')).toMatchObject({ code: 0, stdout: expect.stringContaining('runs already') });
    expect((await guest.status()).pid).toBe(pid);
  });

  it('published ports are on this host while the container runs, TCP and UDP, on 127.0.0.1 and [::1]', async () => {
    const server = `require('net').createServer(s=>s.end('tcp')).listen(80);
      const u=require('dgram').createSocket('udp4');u.on('message',(m,f)=>u.send('udp '+m,f.port,f.address));u.bind(81)`;
    await run('--name', 'web', '-p', '18733:80', '-p', '127.0.0.1:18734:81/udp', ...NODE, server);
    // open before the start is answered, whether anything listens behind it yet or not
    expect(await tcp('127.0.0.1', 18_733)).not.toBe('ECONNREFUSED');
    expect(await portOwner('udp', 18_734)).toContain('qemu');
    expect(await guest.portsOf('web')).toMatchObject([{ state: 'open' }, { state: 'open' }]);
    await until(async () => (await tcp('127.0.0.1', 18_733)) === 'tcp');
    expect(await tcp('::1', 18_733)).toBe('tcp');
    await until(async () => (await udp('127.0.0.1', 18_734, 'hello')) === 'udp hello');
    await guest.ok('rm', '-f', 'web');
    await until(async () => (await tcp('127.0.0.1', 18_733)) === 'ECONNREFUSED', 300);
    expect(await portOwner('udp', 18_734)).toBeUndefined();
    expect((await guest.status()).ports).toEqual([]);
  });

  it('a port that this host has given away is refused with its owner; of a range, the next one is taken', async () => {
    const holder = await listen('127.0.0.1', 0, (socket) => socket.end('mine'));
    const server = [...NODE, "require('net').createServer(s=>s.end('theirs')).listen(80)"];
    try {
      const refused = await guest.docker(['run', '-d', '--name', 'late', '-p', `${holder.port}:80`, ...server]);
      expect(refused.code).toBe(125);
      expect(refused.stderr).toContain(`:80/tcp: address already in use on this computer by `);
      expect(refused.stderr).toContain(`(pid ${process.pid})`);
      await guest.ok('rm', 'late');
      await run('--name', 'late', '-p', `127.0.0.1:${holder.port}-${holder.port + 9}:80`, ...server);
      const [{ port = 0 } = {}] = await guest.portsOf('late');
      expect(port).toBeGreaterThan(holder.port);
      expect(await guest.ok('port', 'late')).toBe(`80/tcp -> 127.0.0.1:${port}`);
      await until(async () => (await tcp('127.0.0.1', port)) === 'theirs');
    } finally {
      await holder.close();
    }
    await guest.ok('rm', '-f', 'late');
  });

  it('containers reach this host by Docker’s name, and by host-gateway', async () => {
    const host = await listen('127.0.0.1', 0, (socket) => socket.end('from the host\n'));
    try {
      for (const args of [['host.docker.internal'], ['up', '--add-host', 'up:host-gateway']]) {
        const [name = '', ...more] = args;
        expect(await guest.ok('run', '--rm', ...more, 'bb', 'nc', name, String(host.port))).toBe('from the host');
      }
    } finally {
      await host.close();
    }
  });

  it('a folder of this host is there at its own path, in both directions, with its owners', async () => {
    writeFileSync(join(shared, 'from host'), 'host\n');
    const seen = await guest.ok(
      'run',
      '--rm',
      '-v',
      `${shared}:/src`,
      'bb',
      'sh',
      '-c',
      'cat "/src/from host"; echo guest >/src/back; ln -s back /src/link',
    );
    expect(seen).toBe('host');
    expect(readFileSync(join(shared, 'link'), 'utf8')).toBe('guest\n');
    expect(statSync(join(shared, 'back')).uid).toBe(process.getuid?.());
    expect((await guest.status()).folders).toMatchObject([{ path: shared, how: 'virtiofs', state: 'mounted' }]);
  });

  it('a folder of this host that is not shared is refused, and what is the guest’s own is not', async () => {
    const refused = await guest.docker(['run', '--rm', '-v', `${shared}-other:/src`, 'bb', 'true']);
    expect(refused.stderr).toContain(`Mounts denied: the path ${shared}-other is not shared`);
    expect(refused.stderr).toContain(`berth machine set --folder ${shared} --folder ${shared}-other`);
    const own = ['/var/run/docker.sock', '/etc/localtime', '/lib/modules', '/sys/fs/cgroup', '/run/of-a-test'];
    await guest.ok('run', '--rm', ...own.flatMap((path, at) => ['-v', `${path}:/own/${at}:ro`]), 'bb', 'true');
  });

  it('changes of files made here are told to containers', async () => {
    const watcher = `const fs=require('fs');fs.watch('/src',(k,n)=>console.log(n,fs.existsSync('/src/edited')&&fs.readFileSync('/src/edited','utf8')));setInterval(()=>{},1e3);console.log('ready')`;
    writeFileSync(join(shared, 'edited'), 'one');
    await run('--name', 'watcher', '-v', `${shared}:/src`, ...NODE, watcher);
    await until(async () => (await guest.ok('logs', 'watcher')).includes('ready'));
    // the watch on this host begins some time after the container's start is told
    await until(async () => {
      appendFileSync(join(shared, 'edited'), '+');
      const log = await guest.ok('logs', 'watcher');
      return /edited one\+/.test(log);
    });
    expect(statSync(join(shared, 'edited')).size).toBeGreaterThanOrEqual(4);
    writeFileSync(join(shared, 'made'), '');
    const began = performance.now();
    await until(async () => (await guest.ok('logs', 'watcher')).includes('made'));
    figures.push(`a new file told after at most ${Math.round(performance.now() - began)} ms`);
    // as editors save, and again while the guest still knows the file that had the name
    for (const content of ['first', 'second']) {
      writeFileSync(join(shared, 'edited~'), content);
      renameSync(join(shared, 'edited~'), join(shared, 'edited'));
      await until(async () => (await guest.ok('logs', 'watcher')).includes(`edited ${content}`));
    }
    await guest.ok('rm', '-f', 'watcher');
  });

  it('a log that is followed goes on when the connection is killed, each line once', async () => {
    await run(
      '--name',
      'ticker',
      'bb',
      'sh',
      '-c',
      'i=0; while [ $i -lt 120 ]; do echo line $i; i=$((i+1)); sleep 0.05; done',
    );
    const client = new EngineClient(unixTransport(guest.socket));
    const got: string[] = [];
    let killed = false;
    const batches = readLogs(client, { id: 'ticker', follow: true, tail: 0, since: 0 }, new AbortController().signal);
    for await (const batch of batches as AsyncGenerator<LogBatch>) {
      if (batch.kind === 'lines') got.push(...batch.lines.map(({ text }) => text));
      if (killed || got.length < 20) continue;
      killed = true;
      await guest.sh(
        'for p in $(pidof dropbear); do [ "$(cut -d" " -f4 /proc/$p/stat)" = 1 ] || [ $p = $PPID ] || kill -9 $p; done',
      );
    }
    client.close();
    expect(killed).toBe(true);
    expect(got).toEqual(Array.from({ length: 120 }, (_, index) => `line ${index}`));
    await guest.ok('rm', '-f', 'ticker');
  });

  it('after an hour of sleep the guest has the time again', async () => {
    await guest.sh('date -u -s @$(($(date +%s) - 3600))');
    await guest.woke();
    const { stdout } = await guest.sh('date +%s');
    expect(Math.abs(Number(stdout) - Date.now() / 1000)).toBeLessThan(5);
  });

  it('its disk grows while it runs; what waits for a restart is said', async () => {
    expect(await guest.berth('set', '--disk', '5', '--memory', '1200')).toMatchObject({
      code: 0,
      stdout: 'in force after berth machine restart: memory',
    });
    const status = await guest.status();
    expect(status).toMatchObject({
      pending: ['memory'],
      settings: { disk: 5, memory: 1024 },
      disk: { size: 5 * 2 ** 30 },
    });
    expect((await guest.sh('df -k /var/lib/berth | tail -1')).stdout.split(/\s+/)[1]).toMatch(/^4[89]\d{5}|5\d{6}$/);
    const smaller = await guest.berth('set', '--disk', '3');
    expect(smaller.stderr).toMatch(/cannot shrink[^]*what to do/);
    await guest.berth('set', '--memory', '1024');
    expect((await guest.status()).pending).toEqual([]);
  });

  it('memory and disk that the guest frees come back to this host', async () => {
    const look = async () => {
      const { memory, disk } = await guest.status();
      return { memory: memory?.host ?? 0, disk: disk?.host ?? 0, picture: memory };
    };
    await guest.sh('dd if=/dev/zero of=/dev/shm/fill bs=1M count=200 2>/dev/null');
    await guest.ok('run', '--name', 'filler', '-v', '/usr:/usr:ro', 'bb', 'sh', '-c', 'cat /usr/bin/node >/fill; sync');
    const full = await look();
    const { total, host, hostGuest = 0, ...parts } = full.picture ?? { total: 0, host: 0 };
    expect(Object.values(parts).reduce((all, value) => all + value, 0)).toBe(total);
    // the guest's memory is the most of what this host gave, and no more than the guest was given
    expect(hostGuest).toBeGreaterThan(200 * 2 ** 20);
    expect(hostGuest).toBeLessThan(Math.min(host, 1024 * 2 ** 20));
    await guest.sh('rm /dev/shm/fill');
    await guest.ok('rm', 'filler');
    await guest.sh('echo 3 >/proc/sys/vm/drop_caches');
    let now = full;
    await until(async () => {
      now = await look();
      return full.memory - now.memory > 180 * 2 ** 20 && full.disk - now.disk > 100 * 2 ** 20;
    }, 90_000);
    const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
    figures.push(`memory ${mib(full.memory)} → ${mib(now.memory)} MiB, disk ${mib(full.disk)} → ${mib(now.disk)} MiB`);
  });

  it('a full disk is said by the engine and by the machine, and containers go on when there is room', async () => {
    const left = Number((await guest.sh('df -k /var/lib/berth | tail -1')).stdout.split(/\s+/)[3]);
    await guest.sh(`fallocate -l ${left - 20_000}K /var/lib/berth/ballast`);
    const greedy = ['run', '--name', 'greedy', 'bb', 'dd', 'if=/dev/zero', 'of=/fill', 'bs=1M', 'count=100'];
    expect((await guest.docker(greedy)).stderr).toContain('No space left on device');
    expect((await guest.status()).warnings).toContainEqual(expect.stringContaining('berth machine set --disk'));
    await guest.sh('rm /var/lib/berth/ballast');
    await guest.ok('rm', 'greedy');
    expect((await guest.status()).warnings).not.toContainEqual(expect.stringContaining('--disk'));
    expect(await guest.ok('run', '--rm', 'bb', 'echo', 'again')).toBe('again');
  });
});

describe('a machine that is held for its next request', { timeout: 240_000 + KILLS * 60_000 }, () => {
  it('stops when nobody uses it, and the next request starts it, waits and is served', async () => {
    await guest.berth('set', '--idle-minutes', '1');
    await until(async () => (await guest.status()).state === 'waiting', 60_000);
    expect(processOf(guest)).toBeUndefined();
    await guest.berth('set', '--idle-minutes', '0');
    expect(await guest.ok('run', '--rm', 'bb', 'echo', 'awake')).toBe('awake');
    expect((await guest.status()).state).toBe('running');
  });

  it(`killed ${KILLS} times while containers write, it comes back with every container, image and volume`, async () => {
    await run(
      '--name',
      'writer',
      '--restart',
      'always',
      '-p',
      '18735:80',
      '-v',
      'kept:/kept',
      'bb',
      'sh',
      '-c',
      'i=$(cat /kept/count 2>/dev/null || echo 0); while :; do i=$((i+1)); echo $i >/kept/next; sync; mv /kept/next /kept/count; dd if=/dev/urandom of=/kept/noise bs=64k count=16 conv=fsync 2>/dev/null; done',
    );
    await guest.ok('create', '--name', 'quiet', 'bb', 'true');
    const count = async () =>
      Number((await guest.docker(['run', '--rm', '-v', 'kept:/kept', 'bb', 'cat', '/kept/count'])).stdout);
    let last = 0;
    for (let round = 0; round < KILLS; round++) {
      await until(async () => (await count()) > last);
      last = await count();
      process.kill(processOf(guest) as number, 'SIGKILL');
      await until(async () => (await guest.status()).state !== 'running');
      expect(await guest.ok('ps', '-a', '--format', '{{.Names}}')).toMatch(/quiet[^]*writer|writer[^]*quiet/);
      expect(await guest.ok('images', '-q')).not.toBe('');
      expect(await guest.ok('volume', 'ls', '-q')).toBe('kept');
      expect(await guest.ok('run', '--rm', 'bb', 'echo', 'sound')).toBe('sound');
      expect(await count()).toBeGreaterThanOrEqual(last);
      await until(async () => (await guest.portsOf('writer')).some(({ state }) => state === 'open'));
      expect(await tcp('127.0.0.1', 18_735)).not.toBe('ECONNREFUSED');
      expect((await guest.sh('dmesg | grep -ci "ext4-fs error"')).stdout.trim()).toBe('0');
    }
    await guest.ok('rm', '-f', 'writer', 'quiet');
  });

  it('a start goes on from the state that an earlier one kept, and draws anew what is drawn by chance', async () => {
    const drawn: string[] = [];
    for (const end of ['stop', 'kill', undefined]) {
      const { steps } = await guest.status();
      expect(steps.filter(({ kept }) => kept).map(({ step }) => step)).toEqual(['kernel', 'init', 'prepared']);
      drawn.push(await guest.ok('volume', 'create'), (await guest.sh('cat /proc/sys/kernel/random/uuid')).stdout);
      expect(Math.abs(Number((await guest.sh('date +%s')).stdout) - Date.now() / 1000)).toBeLessThan(5);
      if (end === undefined) break;
      await guest.berth(end);
      expect(await guest.berth('start')).toMatchObject({ code: 0 });
    }
    expect(new Set(drawn).size).toBe(drawn.length);
    // everything of the starts before is there, and the folder of this host
    expect((await guest.ok('volume', 'ls', '-q')).split('\n')).toEqual(
      expect.arrayContaining(drawn.filter((name) => name.length === 64)),
    );
    expect((await guest.status()).folders).toMatchObject([{ path: shared, state: 'mounted' }]);
    figures.push(`kept start: ${(await guest.status()).steps.map(({ step, at }) => `${step} ${at}`).join(', ')}`);
  });

  it('a kept start that is damaged costs a boot, and is told', async () => {
    await guest.berth('stop');
    const starts = join(guest.home, 'starts');
    const [name = ''] = readdirSync(starts);
    const devices = join(starts, name, 'devices');
    truncateSync(devices, 1000);
    const started = await guest.berth('start');
    expect(started, started.stderr).toMatchObject({ code: 0 });
    const { warnings, steps } = await guest.status();
    expect(warnings).toContainEqual(expect.stringMatching(/kept start did not get ready[^]*booted instead/));
    expect(steps.some(({ kept }) => kept)).toBe(false);
    await until(() => Promise.resolve((statSync(devices, { throwIfNoEntry: false })?.size ?? 0) > 1000));
  });

  it('a key that the guest does not know, and an image that is damaged, are told with what to do', async () => {
    expect(await guest.berth('stop')).toMatchObject({ code: 0, stdout: 'stopped' });
    const image = join(guest.home, 'image');
    const { image: good = '' } = await guest.status();
    mkdirSync(image);
    for (const name of ['manifest.json', 'kernel', 'initrd'])
      writeFileSync(join(image, name), readFileSync(join(good, name)));
    const root = readFileSync(join(good, 'root'));
    root[4096] = (root[4096] ?? 0) ^ 1;
    writeFileSync(join(image, 'root'), root);
    const damaged = await guest.berth('start', '--image', image);
    expect(damaged).toMatchObject({ code: 1, stderr: expect.stringMatching(/digest[^]*what to do: /) });
    writeFileSync(
      join(guest.home, 'host-key'),
      'AAAAC3NzaC1lZDI1NTE5AAAAIMadeUpMadeUpMadeUpMadeUpMadeUpMadeUpMadeUpMade\n',
    );
    const stranger = await guest.berth('start');
    expect(stranger).toMatchObject({ code: 1, stderr: expect.stringMatching(/another host key[^]*what to do: /) });
    expect(processOf(guest)).toBeUndefined();
  });
});
