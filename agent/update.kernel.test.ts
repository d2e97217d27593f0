import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCgroupV1 } from './cgroups/v1.ts';
import { readCgroupMounts } from './cgroups/mounts.ts';
import { dockerFixture, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
}, 60_000);
afterAll(() => fixture?.close(), 60_000);

const v1 = readCgroupMounts().v1;

it.skipIf(v1.size === 0)('update changes every limit of a running container at once, as the kernel tells', async () => {
  const { ok, engine, image } = fixture;
  const id = await ok('run', '-d', '--network', 'none', image, 'sleep', '600');
  const group = `/berth/${id}`;
  const files = async () => createCgroupV1(readCgroupMounts()).files(group);
  const read = async (name: string) => {
    const all = await files();
    const [controller = '', file = ''] = name.split('/');
    return Object.entries(all)
      .find(([path]) => path.endsWith(`/${file}`) && path.split('/')[0]?.split(',').includes(controller))?.[1]
      ?.trim();
  };
  const update = async (body: object) => {
    const answer = await engine.request('POST', `/containers/${id}/update`, body);
    expect(answer.status, answer.text).toBe(200);
  };
  await update({
    Memory: 64 * 2 ** 20,
    MemorySwap: 96 * 2 ** 20,
    MemoryReservation: 32 * 2 ** 20,
    CpuShares: 512,
    CpuPeriod: 50_000,
    CpuQuota: 20_000,
    CpusetCpus: '0',
    CpusetMems: '0',
    PidsLimit: 40,
  });
  expect(await read('memory/memory.limit_in_bytes')).toBe(String(64 * 2 ** 20));
  expect(await read('memory/memory.memsw.limit_in_bytes')).toBe(String(96 * 2 ** 20));
  expect(await read('memory/memory.soft_limit_in_bytes')).toBe(String(32 * 2 ** 20));
  expect(await read('cpu/cpu.shares')).toBe('512');
  expect(await read('cpu/cpu.cfs_period_us')).toBe('50000');
  expect(await read('cpu/cpu.cfs_quota_us')).toBe('20000');
  expect(await read('cpuset/cpuset.cpus')).toBe('0');
  expect(await read('cpuset/cpuset.mems')).toBe('0');
  expect(await read('pids/pids.max')).toBe('40');

  // A whole disk: the kernel limits no partition.
  const disk = readdirSync('/sys/block').find((name) => !/^(loop|zram|ram)/.test(name) && existsSync(`/dev/${name}`));
  if (disk !== undefined) {
    const number = readFileSync(join('/sys/block', disk, 'dev'), 'utf8').trim();
    const limit = (Rate: number) => [{ Path: `/dev/${disk}`, Rate }];
    await update({
      BlkioDeviceReadBps: limit(1_048_576),
      BlkioDeviceWriteBps: limit(2_097_152),
      BlkioDeviceReadIOps: limit(100),
      BlkioDeviceWriteIOps: limit(200),
    });
    expect(await read('blkio/blkio.throttle.read_bps_device')).toBe(`${number} 1048576`);
    expect(await read('blkio/blkio.throttle.write_bps_device')).toBe(`${number} 2097152`);
    expect(await read('blkio/blkio.throttle.read_iops_device')).toBe(`${number} 100`);
    expect(await read('blkio/blkio.throttle.write_iops_device')).toBe(`${number} 200`);
  }
  await update({ CpuQuota: -1 });
  expect(await read('cpu/cpu.cfs_quota_us')).toBe('-1');
  const refused = await engine.request('POST', `/containers/${id}/update`, { NanoCpus: 1e9 });
  expect(refused).toMatchObject({
    status: 409,
    body: {
      message: `Cannot update container ${id}: Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set`,
    },
  });
  // What was changed holds when it starts again.
  await ok('restart', '-t', '0', id);
  expect(await read('memory/memory.limit_in_bytes')).toBe(String(64 * 2 ** 20));
  expect(await read('pids/pids.max')).toBe('40');
});
