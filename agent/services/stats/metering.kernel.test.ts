import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CgroupDetail, CgroupNode, Isolation, NamespaceMap, UsageHistory } from '../../api/berth.ts';
import type { ContainerStats } from '../../api/system.ts';
import { dockerFixture, eventually, type DockerFixture } from '../../docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
});
afterAll(() => fixture?.close());

const get = async <T>(path: string) => (await fixture.engine.request('GET', path)).body as T;

describe('a busy container on the default bridge', () => {
  beforeAll(async () => {
    const work = 'x=$(head -c 30000000 /dev/zero | tr "\\0" x); while :; do :; done';
    await fixture.ok(
      'run',
      '-d',
      '--name',
      'busy',
      '-m',
      '128m',
      '--cpus',
      '0.5',
      '--pids-limit',
      '50',
      fixture.image,
      'sh',
      '-c',
      work,
    );
  });
  afterAll(() => fixture.ok('rm', '-f', 'busy'));

  it('shows in docker stats with its CPU, memory and limit', async () => {
    const line = () =>
      fixture.ok('stats', '--no-stream', '--format', '{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}', 'busy');
    const parse = (text: string) => /^busy ([\d.]+)% ([\d.]+)MiB \/ 128MiB (\d+)$/.exec(text);
    const text = await eventually(line, (shown) => Number(parse(shown)?.[2]) > 25, '30 MB in use');
    expect(Number(parse(text)?.[1])).toBeGreaterThan(15);
    expect(Number(parse(text)?.[1])).toBeLessThan(75);
    expect(parse(text)?.[3]).toBe('1');
  });

  it('has statistics in Docker’s form', async () => {
    const stats = await get<ContainerStats>('/containers/busy/stats?stream=0');
    expect(stats.name).toBe('/busy');
    expect(stats.memory_stats.limit).toBe(128 * 2 ** 20);
    expect(stats.pids_stats).toEqual({ current: 1, limit: 50 });
    expect(stats.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(stats.precpu_stats.cpu_usage.total_usage);
    expect(stats.cpu_stats.throttling_data.throttled_periods).toBeGreaterThan(0);
    expect(Object.keys(stats.networks ?? {})).toEqual(['eth0']);
  });

  it('has a history that was kept before anybody asked, and follows it', async () => {
    const history = () => get<UsageHistory>('/berth/v1/containers/busy/history');
    const { samples } = await eventually(history, (found) => found.samples.length >= 2, 'two samples');
    expect(samples.at(-1)).toMatchObject({ memoryLimit: 128 * 2 ** 20, pids: 1 });
    expect(samples.at(-1)?.cpuPercent).toBeGreaterThan(20);
    expect(samples.at(-1)?.throttledPercent).toBeGreaterThan(0);
  });

  it('shows its isolation and its place in the tree', async () => {
    const isolation = await get<Isolation>('/berth/v1/containers/busy/isolation');
    const own = isolation.namespaces.filter(({ host }) => !host).map(({ type }) => type);
    expect(own).toEqual(expect.arrayContaining(['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts']));
    expect(isolation).toMatchObject({ seccomp: 'filter', noNewPrivileges: false });
    expect(isolation.capabilities.bounding).toHaveLength(14);
    expect(isolation.cgroup.files['memory/memory.limit_in_bytes'] ?? isolation.cgroup.files['memory.max']).toBe(
      String(128 * 2 ** 20),
    );
    const tree = await get<CgroupNode>('/berth/v1/cgroups');
    const node = tree.children.find(({ containerId }) => containerId === isolation.id);
    expect(node?.memory).toBeGreaterThan(25e6);
    expect(node?.limits).toEqual({ memory: 128 * 2 ** 20, cpus: 0.5, pids: 50, cpuset: null });
    expect(node?.cpuTime).toBeGreaterThan(0);
    const group = await get<CgroupDetail>(`/berth/v1/cgroup?path=${encodeURIComponent(node?.path ?? '')}`);
    expect(group.processes.map(({ pid }) => pid)).toEqual([isolation.pid]);
    expect(group.processes[0]?.command).toMatch(/^sh -c x=/);
    expect(Object.keys(group.files)).toEqual(Object.keys(isolation.cgroup.files));
    expect((await fixture.engine.request('GET', '/berth/v1/cgroup?path=/etc')).status).toBe(404);
    expect((await fixture.engine.request('GET', '/berth/v1/containers/busy/pressure')).status).toBe(200);
  });
});

it('maps who is in which namespaces, with what a process made for itself inside', async () => {
  const script = 'unshare --uts sleep 1000 & exec sleep 1001';
  const run = (name: string, ...rest: string[]) =>
    fixture.ok('run', '-d', '--name', name, '--cap-add', 'SYS_ADMIN', ...rest, fixture.image, 'sh', '-c', script);
  const first = await run('first-of-two', '--network', 'none');
  const second = await run('second-of-two', '--network', 'container:first-of-two', '--pid', 'host');
  const members = async () => (await get<NamespaceMap>('/berth/v1/namespaces')).members;
  const of = (all: NamespaceMap['members'], id: string) => all.filter(({ containerId }) => containerId === id);
  const found = await eventually(members, (all) => of(all, first).length === 2, 'the process with a name of its own');
  const [main, unshared] = of(found, first);
  expect([main?.main, unshared?.main]).toEqual([true, false]);
  expect(unshared?.processes.map(({ command }) => command)).toEqual(['sleep 1000']);
  expect(unshared?.namespaces).toEqual({ ...main?.namespaces, uts: unshared?.namespaces.uts });
  expect(unshared?.namespaces.uts).not.toBe(main?.namespaces.uts);
  const { host } = await get<NamespaceMap>('/berth/v1/namespaces');
  const other = of(found, second)[0]?.namespaces;
  expect(other?.net).toBe(main?.namespaces.net);
  expect(other?.mnt).not.toBe(main?.namespaces.mnt);
  expect(other?.pid).toBe(host.pid);
  await fixture.ok('rm', '-f', 'first-of-two', 'second-of-two');
});

it('keeps logs within max-size while a container writes and a client follows', async () => {
  const script =
    'i=0; while [ $i -lt 30000 ]; do echo "line $i"; i=$((i+1)); [ $((i % 100)) = 0 ] && usleep 10000; done';
  const limits = ['--log-opt', 'max-size=100k', '--log-opt', 'max-file=3'];
  await fixture.ok('run', '-d', '--name', 'wordy', '--network', 'none', ...limits, fixture.image, 'sh', '-c', script);
  const followed = await fixture.ok('logs', '-f', 'wordy');
  expect(followed).toBe(Array.from({ length: 30_000 }, (_, index) => `line ${index}`).join('\n'));
  const kept = (await fixture.ok('logs', 'wordy')).split('\n');
  expect(kept.length).toBeLessThan(30_000);
  expect(kept.at(-1)).toBe('line 29999');
  await fixture.ok('rm', 'wordy');
});

it('answers docker info and version without complaint', async () => {
  const info = await fixture.docker(['info']);
  expect(info.code).toBe(0);
  expect(info.stdout).toContain('Server Version');
  expect(info.stderr).not.toContain('ERROR');
  expect(await fixture.ok('version', '--format', '{{.Server.APIVersion}} {{.Server.Platform.Name}}')).toBe(
    '1.51 Berth Engine',
  );
  expect((await fixture.docker(['system', 'df'])).code).toBe(0);
  expect((await fixture.docker(['node', 'ls'])).code).toBe(1);
});
