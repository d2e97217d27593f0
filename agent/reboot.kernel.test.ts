import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerInspect } from './api/container.ts';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';
import { exec } from './system/exec.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
}, 60_000);
afterAll(() => fixture?.close(), 60_000);

const inspect = async (name: string) =>
  (await fixture.engine.request('GET', `/containers/${name}/json`)).body as ContainerInspect;

/** A frozen process takes no signal. */
function thaw(pid: string): void {
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')) {
    const [, controllers, path = ''] = line.split(':');
    const [file, value] =
      controllers === 'freezer'
        ? [`/sys/fs/cgroup/freezer${path}/freezer.state`, 'THAWED']
        : [`/sys/fs/cgroup${path}/cgroup.freeze`, '0'];
    if (existsSync(file)) writeFileSync(file, value);
  }
}

/** What a reboot does: processes, mounts, namespaces, interfaces, control groups and the run directory are gone. */
async function reboot(): Promise<void> {
  const { engine } = fixture;
  await engine.kill();
  const ids = readdirSync(join(engine.root, 'containers'));
  const doomed = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      return line.includes(engine.runDir) || ids.some((id) => groups.includes(id));
    } catch {
      return false;
    }
  });
  for (const pid of doomed)
    try {
      thaw(pid);
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // ended with another
    }
  await eventually(
    async () => Promise.resolve(doomed.filter((pid) => existsSync(`/proc/${pid}/root/`))),
    (left) => left.length === 0,
    'processes that have ended',
  );
  await exec([
    process.execPath,
    fileURLToPath(new URL('testing/sweep.ts', import.meta.url)),
    engine.root,
    engine.runDir,
  ]);
  rmSync(engine.runDir, { recursive: true });
}

describe('after a reboot of the machine', () => {
  it('containers have ended, those that shall run do, with their addresses and ports', async () => {
    const { engine, ok, docker, image } = fixture;
    const run = (name: string, ...options: string[]) =>
      ok('run', '-d', '--name', name, ...options, image, 'sleep', '600');
    await ok('network', 'create', '--subnet', '10.247.3.0/24', 'own');
    await run('always', '--restart', 'always', '--network', 'own', '--ip', '10.247.3.7', '-p', '127.0.0.1:47921:80');
    await run('unless', '--restart', 'unless-stopped');
    await run('stopped', '--restart', 'unless-stopped');
    await run('failing', '--restart', 'on-failure:3', '--network', 'none');
    await run('plain', '--network', 'own', '-p', '127.0.0.1:47922:80');
    await run('frozen', '--network', 'none');
    await run('passing', '--rm', '-v', '/data');
    await ok('stop', '-t', '0', 'stopped');
    await ok('pause', 'frozen');
    const before = await inspect('plain');
    const volumes = await ok('volume', 'ls', '-q');
    expect(volumes).not.toBe('');

    const down = Date.now();
    await reboot();
    await engine.start();

    await eventually(
      () => ok('ps', '--filter', 'status=running', '--format', '{{.Names}}'),
      (names) => names.split('\n').sort().join(' ') === 'always failing unless',
      'what shall run',
    );
    const always = await inspect('always');
    expect(always.NetworkSettings.Networks['own']).toMatchObject({ IPAddress: '10.247.3.7' });
    expect(always.NetworkSettings.Ports['80/tcp']).toEqual([{ HostIp: '127.0.0.1', HostPort: '47921' }]);
    expect(await ok('exec', 'always', 'ip', '-o', '-4', 'addr')).toContain('10.247.3.7/24');

    const plain = await inspect('plain');
    expect(plain.State).toMatchObject({ Status: 'exited', ExitCode: 255, Pid: 0, Running: false });
    expect(plain.State.StartedAt).toBe(before.State.StartedAt);
    expect(Date.parse(plain.State.FinishedAt)).toBeGreaterThanOrEqual(down - 1000);
    expect(plain.NetworkSettings.Ports).toEqual({});
    expect((await inspect('frozen')).State).toMatchObject({ Status: 'exited', Paused: false });
    expect((await inspect('stopped')).State).toMatchObject({ Status: 'exited', ExitCode: 137 });

    // gone as when it had ended by itself, with its volume
    expect((await docker(['inspect', 'passing'])).code).toBe(1);
    expect(await ok('volume', 'ls', '-q')).toBe('');

    // the port it had is free, and so is its address
    await ok('start', 'plain');
    expect((await inspect('plain')).NetworkSettings.Ports['80/tcp']).toEqual([
      { HostIp: '127.0.0.1', HostPort: '47922' },
    ]);
    await ok('start', 'frozen', 'stopped');
    expect(await ok('exec', 'plain', 'ping', '-c', '1', '-W', '5', 'always')).toContain('1 packets received');
    expect(engine.log()).not.toMatch(/ error |quarantine/);
  }, 60_000);
});
