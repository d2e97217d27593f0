import { expect, it } from 'vitest';
import type { HostConfig } from '../../api/container.ts';
import { checkCreate } from './check-create.ts';
import { checkUpdate } from './check-update.ts';
import { recordOf, someFacts, someRequest } from './testing.ts';

const MiB = 1024 * 1024;
const ID = 'a'.repeat(64);
const facts = someFacts();
const update = (had: HostConfig, asked: object) =>
  checkUpdate(asked, recordOf(checkCreate(someRequest({ HostConfig: had }), {}, facts), ID), facts);

it.each<[HostConfig, object, string]>([
  [
    { CpuQuota: 50_000 },
    { NanoCpus: 1e9 },
    `Cannot update container ${ID}: Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set`,
  ],
  [
    { NanoCpus: 1e9 },
    { CpuQuota: 50_000 },
    `Cannot update container ${ID}: Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set`,
  ],
  [
    { Memory: 10 * MiB },
    { Memory: 30 * MiB },
    `Cannot update container ${ID}: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time`,
  ],
  [{}, { Memory: MiB }, 'Minimum memory limit allowed is 6MB'],
  [{}, { CpusetCpus: '7' }, 'Requested CPUs are not available - requested 7, available: 0-1'],
  [
    {},
    { Memory: 'x' },
    'invalid JSON: json: cannot unmarshal string into Go struct field UpdateConfig.Memory of type int64',
  ],
  [
    { AutoRemove: true },
    { RestartPolicy: { Name: 'always' } },
    `Cannot update container ${ID}: Restart policy cannot be updated because AutoRemove is enabled for the container`,
  ],
  [
    {},
    { RestartPolicy: { Name: 'often' } },
    "invalid restart policy: unknown policy 'often'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
  ],
])('%j then %j is refused', (had, asked, message) => expect(() => update(had, asked)).toThrow(message));

it('says what the live group gets and what is kept', () => {
  const { limits, hostConfig } = update(
    { Memory: 10 * MiB },
    { Memory: 15 * MiB, NanoCpus: 5e8, PidsLimit: 0, RestartPolicy: { Name: 'always' } },
  );
  expect(limits).toEqual({ memory: 15 * MiB, cpuPeriod: 100_000, cpuQuota: 50_000, pids: -1 });
  expect(hostConfig).toMatchObject({
    Memory: 15 * MiB,
    MemorySwap: 20 * MiB,
    NanoCpus: 5e8,
    PidsLimit: 0,
    RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
  });
});

it('an empty update changes nothing', () => {
  const { limits, hostConfig, warnings } = update({ Memory: 10 * MiB }, {});
  expect([limits, hostConfig.Memory, warnings]).toEqual([{}, 10 * MiB, []]);
});
