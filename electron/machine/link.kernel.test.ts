import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogBatch } from '../contract/model.ts';
import { EngineClient } from '../engine/client.ts';
import { unixTransport } from '../engine/transport.ts';
import { readLogs } from '../host/logs.ts';
import { listen, until } from './testing/ask.ts';
import { busyboxImage, processOf, testGuest, type TestGuest } from './testing/guest.ts';

// What lies between this host and a machine that runs: a connection that stalls, a host that sleeps, names, proxies, keys.
const folder = mkdtempSync(join(tmpdir(), 'berth-link-'));
const resolvConf = join(folder, 'resolv.conf');
const asked: string[] = [];
let guest: TestGuest;
let proxy: Awaited<ReturnType<typeof listen>>;

beforeAll(async () => {
  writeFileSync(resolvConf, 'nameserver 127.0.0.77\n');
  proxy = await listen('127.0.0.1', 0, (socket) => {
    socket.once('data', (chunk: Buffer) => {
      asked.push(chunk.toString('latin1').split('\r\n')[0] as string);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
  });
  const env = { BERTH_MACHINE_KEEPALIVE: '2000', HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
  guest = testGuest({ resolvConf, env });
  const started = await guest.berth('start', '--cpus', '2', '--memory', '768');
  expect(`${started.stderr}${started.code}`).toMatch(/0$/);
  await busyboxImage(guest);
}, 300_000);
afterAll(async () => {
  await guest?.remove();
  await proxy?.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** Answers each question for an address with this one (RFC 1035: the question is given back, then one record that points to it). */
async function nameServer(address: string, answer: string) {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const end = query.indexOf(0, 12) + 5;
    const head = Buffer.from([
      query[0] ?? 0,
      query[1] ?? 0,
      0x81,
      0x80,
      0,
      1,
      0,
      query[end - 3] === 1 ? 1 : 0,
      0,
      0,
      0,
      0,
    ]);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...answer.split('.').map(Number)]);
    socket.send(
      Buffer.concat([head, query.subarray(12, end), ...(head[7] === 1 ? [record] : [])]),
      from.port,
      from.address,
    );
  });
  await new Promise<void>((done) => socket.bind(53, address, done));
  return { close: () => new Promise<void>((done) => socket.close(done)) };
}

/** Follows the log of a container that counts, until `over`; gives what came. */
async function follow(id: string, got: string[], signal: AbortSignal) {
  const client = new EngineClient(unixTransport(guest.socket));
  try {
    for await (const batch of readLogs(
      client,
      { id, follow: true, tail: 0, since: 0 },
      signal,
    ) as AsyncGenerator<LogBatch>)
      if (batch.kind === 'lines') got.push(...batch.lines.map(({ text }) => text));
  } finally {
    client.close();
  }
}
const COUNT = 'i=0; while :; do echo line $i; i=$((i+1)); sleep 0.05; done';
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);

describe('between this host and the machine', { timeout: 120_000 }, () => {
  it('a machine that stalls is told as such, requests are answered, and what was followed goes on, each line once', async () => {
    await guest.ok('run', '-d', '--name', 'ticker', 'bb', 'sh', '-c', COUNT);
    const got: string[] = [];
    const stop = new AbortController();
    const following = follow('ticker', got, stop.signal);
    await until(async () => got.length > 20);
    const qemu = processOf(guest) as number;
    process.kill(qemu, 'SIGSTOP');
    try {
      const began = performance.now();
      const asking = guest.docker(['ps']);
      await until(async () => (await guest.glance()).connection === 'reconnecting');
      expect(performance.now() - began).toBeLessThan(20_000);
      const { code, stderr } = await asking;
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/the machine does not answer: [^]*what to do: /);
    } finally {
      process.kill(qemu, 'SIGCONT');
    }
    const before = got.length;
    await until(async () => got.length > before + 40, 60_000);
    expect((await guest.glance()).connection).toBe('connected');
    expect(await guest.ok('ps', '--format', '{{.Names}}')).toBe('ticker');
    stop.abort();
    await following.catch(() => undefined);
    expect(got).toEqual(numbered(got.length));
  });

  it('after this host has slept, the guest has the time again at once, and what docker follows has not ended', async () => {
    const logs = guest.follow('logs', '-f', '--tail', '0', 'ticker');
    await until(async () => logs.text().includes('\n'));
    const { pid = 0 } = await guest.glance();
    const qemu = processOf(guest) as number;
    await guest.sh('date -u -s @$(($(date +%s) - 3600))');
    for (const each of [pid, qemu]) process.kill(each, 'SIGSTOP');
    await sleep(7_000);
    for (const each of [qemu, pid]) process.kill(each, 'SIGCONT');
    const woke = performance.now();
    await until(async () => Math.abs(Number((await guest.sh('date +%s')).stdout) - Date.now() / 1000) < 5);
    expect(performance.now() - woke).toBeLessThan(10_000);
    const so = logs.text().length;
    await until(async () => logs.text().length > so + 100);
    expect(logs.ended()).toBe(false);
    logs.stop();
    const lines = logs.text().trim().split('\n').slice(0, -1);
    const first = Number(lines[0]?.split(' ')[1]);
    expect(lines).toEqual(numbered(first + lines.length).slice(first));
    await guest.ok('rm', '-f', 'ticker');
  });

  it('names are asked where this host asks them, also after that has changed', async () => {
    const lookup = "require('dns').resolve4('asked.test',(e,a)=>console.log(e?e.code:a[0]))";
    const inContainer = () => guest.ok('run', '--rm', '-v', '/usr:/usr:ro', 'bb', '/usr/bin/node', '-e', lookup);
    const servers = [await nameServer('127.0.0.77', '10.99.0.1'), await nameServer('127.0.0.78', '10.99.0.2')];
    try {
      expect(await inContainer()).toBe('10.99.0.1');
      writeFileSync(resolvConf, '# another network\nnameserver 127.0.0.78\n');
      await until(async () => (await inContainer()) === '10.99.0.2');
    } finally {
      for (const server of servers) await server.close();
    }
  });

  it('the engine pulls through this host’s proxy, which listens on its loopback', async () => {
    expect(await guest.ok('info', '--format', '{{.HTTPSProxy}}')).toBe(`http://10.0.2.2:${proxy.port}`);
    const { code } = await guest.docker(['pull', 'registry.test/some/image']);
    expect(code).not.toBe(0);
    expect(asked).toContain('CONNECT registry.test:443 HTTP/1.1');
  });

  it('containers of networks of the user’s own, and of the host’s, reach this host by Docker’s name', async () => {
    const host = await listen('127.0.0.1', 0, (socket) => socket.end('from the host\n'));
    await guest.ok('network', 'create', 'own');
    try {
      for (const network of ['own', 'host'])
        expect(
          await guest.ok('run', '--rm', '--network', network, 'bb', 'nc', 'host.docker.internal', String(host.port)),
        ).toBe('from the host');
    } finally {
      await guest.ok('network', 'rm', 'own');
      await host.close();
    }
  });

  it('a key that the guest does not let in any more is told with what to do, and that helps', async () => {
    await guest.sh(
      'mv /run/berth/ssh/authorized_keys /tmp; for p in $(pidof dropbear); do [ "$(cut -d" " -f4 /proc/$p/stat)" = 1 ] || [ $p = $PPID ] || kill -9 $p; done',
    );
    await until(async () => (await guest.glance()).connection === 'refused');
    const told = await guest.berth('status');
    expect(told.stdout).toMatch(
      /ssh +refused: the machine does not let this key in[^]*what to do: [^]*berth machine restart/,
    );
    expect((await guest.docker(['ps'])).stderr).toMatch(/does not let this key in[^]*what to do: /);
    const key = readFileSync(join(guest.home, 'id_ed25519'), 'utf8');
    // another key on the same disk, as when the file was lost
    rmSync(join(guest.home, 'id_ed25519'));
    expect(await guest.berth('kill')).toMatchObject({ code: 0 });
    expect(await guest.berth('start')).toMatchObject({ code: 0 });
    expect(readFileSync(join(guest.home, 'id_ed25519'), 'utf8')).not.toBe(key);
    expect((await guest.glance()).connection).toBe('connected');
    expect(await guest.ok('images', '-q')).not.toBe('');
  });
});
