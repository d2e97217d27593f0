import { describe, expect, test } from 'vitest';
import type { ContainerStats } from '../../api/system.ts';
import type { MeterReading, MeteredCgroups } from '../../cgroups/meter.ts';
import type { CgroupUsage } from '../../cgroups/types.ts';
import { ZERO_TIME, timestampOf, type Clock } from '../../system/clock.ts';
import { ExecError } from '../../system/exec.ts';
import { FakeContainers } from '../logs/testing.ts';
import { createStats } from './create.ts';
import { HISTORY_SAMPLES, UsageRing } from './history.ts';
import { parseMachineCpu, parseNetDev } from './proc.ts';
import { parsePs, top } from './top.ts';

/** A clock that stands until it is moved. */
class FakeClock implements Clock {
  time = 1_000_000_000_000;
  readonly #timers = new Map<object, { at: number; run: () => void }>();
  now = () => this.time;
  timestamp = () => timestampOf(this.time);
  monotonic = () => BigInt(this.time) * 1_000_000n;
  setTimeout(run: () => void, milliseconds: number): () => void {
    const key = {};
    this.#timers.set(key, { at: this.time + milliseconds, run });
    return () => this.#timers.delete(key);
  }
  get waiting(): number {
    return this.#timers.size;
  }
  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      const next = [...this.#timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!next) break;
      this.time = next[1].at;
      this.#timers.delete(next[0]);
      next[1].run();
      await new Promise(setImmediate);
    }
    this.time = end;
  }
}

class FakeCgroups {
  version: 1 | 2 = 1;
  readonly usage: CgroupUsage = {};
  reading: MeterReading | undefined = {
    cpu: 0,
    periods: 0,
    throttledPeriods: 0,
    memory: 5_000,
    memoryLimit: Infinity,
    pids: 1,
    readBytes: 0,
    writeBytes: 0,
  };
  open = 0;
  reads = 0;
  read = () => Promise.resolve(structuredClone(this.usage));
  processes = () => Promise.resolve([1]);
  meter = () => {
    this.open++;
    return { read: () => (this.reads++, this.reading && { ...this.reading }), close: () => void this.open-- };
  };
}

function setUp() {
  const containers = new FakeContainers();
  const clock = new FakeClock();
  const cgroups = new FakeCgroups();
  const record = containers.add('a', { name: 'web', state: { Pid: process.pid }, hostConfig: { NetworkMode: 'host' } });
  const stats = createStats({ containers, clock, cgroups: cgroups as unknown as MeteredCgroups });
  return { containers, clock, cgroups, record, stats };
}

describe('the history', () => {
  test('is sampled at two seconds, at one while somebody watches, and not when nothing runs', async () => {
    const { clock, cgroups, containers, stats } = setUp();
    cgroups.reads = 0;
    await clock.advance(10_000);
    expect(cgroups.reads).toBe(5);
    const ticks: number[] = [];
    const stop = stats.watch((tick) => ticks.push(tick.time));
    await clock.advance(5_000);
    expect(ticks).toHaveLength(6);
    expect(stats.history('a').interval).toBe(1_000);
    stop();
    expect(stats.history('a').samples).toHaveLength(10);
    containers.stop('a');
    expect(cgroups.open).toBe(0);
    await clock.advance(2_000);
    expect(clock.waiting).toBe(0);
    expect(stats.history('a').samples).toHaveLength(10);
    stats.close();
  });

  test('tells rates over the time since the sample before', async () => {
    const { clock, cgroups, stats } = setUp();
    if (!cgroups.reading) throw new Error('no reading');
    Object.assign(cgroups.reading, {
      cpu: 3e9,
      readBytes: 4_000,
      writeBytes: 2_000,
      periods: 10,
      throttledPeriods: 5,
      pids: 9,
    });
    await clock.advance(2_000);
    expect(stats.history('a').samples).toEqual([
      {
        time: clock.time,
        cpuPercent: 150,
        memory: 5_000,
        memoryLimit: expect.any(Number),
        rxRate: 0,
        txRate: 0,
        readRate: 2_000,
        writeRate: 1_000,
        pids: 9,
        throttledPercent: 50,
      },
    ]);
    expect(stats.latest('a')?.memoryLimit).toBeLessThan(1e15);
  });

  test('goes on over a restart, begins no rate with the counters of before, and goes with the container', async () => {
    const { clock, cgroups, containers, record, stats } = setUp();
    if (!cgroups.reading) throw new Error('no reading');
    cgroups.reading.cpu = 50e9;
    await clock.advance(2_000);
    containers.stop('a');
    cgroups.reading.cpu = 0;
    Object.assign(record.state, { Running: true, Status: 'running', Pid: process.ppid });
    containers.changed(record, 'start');
    await clock.advance(2_000);
    expect(stats.history('a').samples.map(({ cpuPercent }) => cpuPercent)).toEqual([2500, 0]);
    containers.stop('a');
    containers.records.delete('a');
    containers.changed(record, 'destroy');
    containers.add('a', { state: { Running: false } });
    expect(stats.history('a').samples).toEqual([]);
  });

  test('keeps ten minutes and no more', () => {
    const ring = new UsageRing();
    const sample = {
      cpuPercent: 1,
      memory: 2,
      memoryLimit: 3,
      rxRate: 4,
      txRate: 5,
      readRate: 6,
      writeRate: 7,
      pids: 8,
      throttledPercent: 9,
    };
    for (let time = 0; time < 700; time++) ring.push({ time: time * 1000, ...sample, pids: time });
    const samples = ring.list(699_000);
    expect(samples).toHaveLength(HISTORY_SAMPLES);
    expect(samples[0]).toEqual({ time: 100_000, ...sample, pids: 100 });
    expect(samples.at(-1)?.pids).toBe(699);
    expect(ring.list(900_000)).toHaveLength(399);
  });
});

describe('Docker’s statistics', () => {
  const memory = (stat: Record<string, number>) => ({
    usage: 100,
    maxUsage: 200,
    limit: Infinity,
    failures: 0,
    oomKills: 0,
    stat,
  });
  const cpu = { total: 10, user: 6, system: 4, periods: 3, throttledPeriods: 2, throttledTime: 1 };

  async function take(
    parts: ReturnType<typeof setUp>,
    options: { stream: boolean; oneShot: boolean },
    milliseconds: number,
  ) {
    const samples: ContainerStats[] = [];
    const abort = new AbortController();
    const run = parts.stats.open('a', options).run((sample) => (samples.push(sample), Promise.resolve()), abort.signal);
    await new Promise(setImmediate);
    await parts.clock.advance(milliseconds);
    abort.abort();
    await run;
    return samples;
  }

  test('on v1: per CPU, hierarchical memory, operations by name', async () => {
    const parts = setUp();
    Object.assign(parts.cgroups.usage, {
      cpu: { ...cpu, perCpu: [7, 3] },
      memory: memory({ cache: 1, total_inactive_file: 30 }),
      pids: { current: 2, limit: Infinity },
      blkio: { bytes: [{ major: 8, minor: 0, op: 'Read', value: 5 }], serviced: [] },
    });
    const [sample] = await take(parts, { stream: false, oneShot: true }, 0);
    expect(sample).toMatchObject({
      id: 'a',
      name: '/web',
      num_procs: 0,
      preread: ZERO_TIME,
      pids_stats: { current: 2 },
      cpu_stats: { cpu_usage: { total_usage: 10, percpu_usage: [7, 3], usage_in_kernelmode: 4, usage_in_usermode: 6 } },
      precpu_stats: { cpu_usage: { total_usage: 0 } },
      memory_stats: { usage: 100, max_usage: 200, stats: { total_inactive_file: 30 } },
      blkio_stats: { io_service_bytes_recursive: [{ op: 'Read', value: 5 }], sectors_recursive: [] },
    });
    expect(sample?.networks).toBeUndefined();
    expect(sample?.cpu_stats.online_cpus).toBeGreaterThan(0);
    expect(sample?.memory_stats.limit).toBeLessThan(1e15);
  });

  test('on v2: no high-water mark, bytes by read and write', async () => {
    const parts = setUp();
    parts.cgroups.version = 2;
    Object.assign(parts.cgroups.usage, {
      cpu,
      memory: { ...memory({ inactive_file: 30 }), failures: 4 },
      pids: { current: 2, limit: 10 },
      io: [{ major: 8, minor: 0, readBytes: 1, writeBytes: 2, readOps: 3, writeOps: 4 }],
    });
    const [sample] = await take(parts, { stream: false, oneShot: true }, 0);
    expect(sample?.memory_stats).toMatchObject({ usage: 100, failcnt: 4, stats: { inactive_file: 30 } });
    expect(sample?.memory_stats).not.toHaveProperty('max_usage');
    expect(sample?.cpu_stats.cpu_usage).not.toHaveProperty('percpu_usage');
    expect(sample?.pids_stats).toEqual({ current: 2, limit: 10 });
    expect(sample?.blkio_stats['io_service_bytes_recursive']).toEqual([
      { major: 8, minor: 0, op: 'read', value: 1 },
      { major: 8, minor: 0, op: 'write', value: 2 },
    ]);
    expect(sample?.blkio_stats['io_serviced_recursive']).toBeNull();
  });

  test('a stream gives one a second, each with the one before; the single answer has one before too', async () => {
    const parts = setUp();
    Object.assign(parts.cgroups.usage, { cpu });
    const samples = await take(parts, { stream: true, oneShot: false }, 2_500);
    expect(samples.map(({ preread }) => preread)).toEqual([ZERO_TIME, samples[0]?.read, samples[1]?.read]);
    expect(samples[1]?.precpu_stats).toEqual(samples[0]?.cpu_stats);
    const single = await take(parts, { stream: false, oneShot: false }, 1_500);
    expect(single).toHaveLength(1);
    expect(single[0]?.precpu_stats.cpu_usage.total_usage).toBe(10);
  });

  test('a container that does not run has samples of nothing; a removed one ends the stream', async () => {
    const parts = setUp();
    parts.containers.stop('a');
    const [empty] = await take(parts, { stream: false, oneShot: false }, 0);
    expect(empty).toMatchObject({
      name: '/web',
      read: ZERO_TIME,
      memory_stats: {},
      pids_stats: {},
      blkio_stats: { sectors_recursive: null },
    });
    expect(await take(parts, { stream: true, oneShot: false }, 1_500)).toHaveLength(2);
    const run = parts.stats
      .open('a', { stream: true, oneShot: false })
      .run(() => Promise.resolve(), new AbortController().signal);
    await new Promise(setImmediate);
    parts.containers.records.delete('a');
    await parts.clock.advance(1_000);
    await run;
    expect(() => parts.stats.open('a', { stream: false, oneShot: false })).toThrow('No such container: a');
  });

  test('a stream of one is refused', () => {
    expect(() => setUp().stats.open('a', { stream: true, oneShot: true })).toThrow(
      'cannot have stream=true and one-shot=true',
    );
  });
});

describe('top', () => {
  const output =
    'UID PID PPID C STIME TTY TIME CMD\nroot 1 0 0 10:00 ? 00:00:01 /sbin/init  --all\nuser 22 1 0 10:01 pts/0 00:00:00 sh -c a  b\nuser 23 1 0 10:01 ? 00:00:00 [kthread]\n';

  test('keeps the container’s processes; the command keeps its spaces as one', () => {
    expect(parsePs(output, new Set([22]))).toEqual({
      Titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
      Processes: [['user', '22', '1', '0', '10:01', 'pts/0', '00:00:00', 'sh -c a b']],
    });
    expect(parsePs('PID LWP CMD\n22 - sh\n- 22 -\n- 30 -\n9 - other\n- 9 -\n', new Set([22])).Processes).toHaveLength(
      3,
    );
    expect(() => parsePs('UID CMD\nroot sh\n', new Set())).toThrow("Couldn't find PID field in ps output");
  });

  test('refuses as dockerd does', async () => {
    const { containers } = setUp();
    const failing = () => Promise.reject(new ExecError(['ps', '-x'], 1, '', 'error: unsupported option\n\nUsage:\n'));
    const run = (psArguments: string) =>
      top({ containers, cgroups: new FakeCgroups(), exec: failing }, 'a', psArguments);
    await expect(run('--wrong')).rejects.toMatchObject({ kind: 'system', message: 'error: unsupported option' });
    await expect(run('-o pid,args -o comm=PID')).rejects.toMatchObject({
      message: 'specifying "comm=PID" is not allowed',
    });
    containers.stop('a');
    await expect(run('')).rejects.toMatchObject({ kind: 'conflict', message: 'container a is not running' });
  });
});

test('/proc files', () => {
  expect(
    parseNetDev(
      'Inter-| Receive\n face |bytes\n    lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n  eth0:1386 15 1 2 0 0 0 0 656 8 3 4 0 0 0 0\n tunl0: 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n',
    ),
  ).toEqual({
    eth0: {
      rx_bytes: 1386,
      rx_packets: 15,
      rx_errors: 1,
      rx_dropped: 2,
      tx_bytes: 656,
      tx_packets: 8,
      tx_errors: 3,
      tx_dropped: 4,
    },
  });
  expect(parseMachineCpu('cpu  1 2 3 4 5 6 7 100 100 100\ncpu0 1 1\ncpu1 1 1\nintr 5\n')).toEqual({
    total: 28e7,
    online: 2,
  });
});
