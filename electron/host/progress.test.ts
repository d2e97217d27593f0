import { describe, expect, it } from 'vitest';
import type { ContainerStats } from '../../agent/api/system.ts';
import type { LogLine } from '../contract/model.ts';
import { LineReader, millisecondsOf } from './logs.ts';
import { PullProgress } from './pull.ts';
import { SampleMaker } from './usage-math.ts';

describe('the progress of a pull', () => {
  it('adds the messages up, and measures speed', () => {
    const progress = new PullProgress();
    progress.add({ status: 'Pulling from library/a', id: 'latest' });
    progress.add({ status: 'Pulling fs layer', id: '1', progressDetail: {} });
    progress.add({ status: 'Already exists', id: '2', progressDetail: {} });
    progress.add({ status: 'Downloading', id: '1', progressDetail: { current: 0, total: 1000 } });
    progress.update(0);
    progress.add({ status: 'Downloading', id: '1', progressDetail: { current: 500, total: 1000 } });
    expect(progress.update(1000)).toEqual({
      kind: 'progress',
      message: 'latest: Pulling from library/a',
      bytesPerSecond: 500,
      layers: [
        { id: '1', phase: 'downloading', current: 500, total: 1000 },
        { id: '2', phase: 'exists', current: 0, total: 0 },
      ],
    });
    progress.add({ status: 'Download complete', id: '1', progressDetail: {} });
    progress.add({ status: 'Extracting', id: '1', progressDetail: { current: 100, total: 1000 } });
    // unpacking does not count as downloading backwards
    expect(progress.update(2000)).toMatchObject({
      bytesPerSecond: 500,
      layers: [{ phase: 'unpacking', current: 100 }, {}],
    });
    progress.add({ status: 'Pull complete', id: '1', progressDetail: {} });
    expect(progress.update(9000)).toMatchObject({ bytesPerSecond: 0, layers: [{ phase: 'done', current: 1000 }, {}] });
  });

  it('throws the failure that the stream carries', () => {
    expect(() => new PullProgress().add({ error: 'e', errorDetail: { message: 'denied' } })).toThrow('denied');
    expect(() => new PullProgress().add({ error: 'only this' })).toThrow('only this');
  });
});

describe('lines of a log', () => {
  it.each([
    ['2026-11-23T21:00:00.123456789Z', Date.UTC(2026, 10, 23, 21, 0, 0, 123)],
    ['2026-11-23T21:00:00Z', Date.UTC(2026, 10, 23, 21)],
    ['2026-11-23T21:00:00.5Z', Date.UTC(2026, 10, 23, 21, 0, 0, 500)],
    ['2026-11-23T21:00:01.05Z', Date.UTC(2026, 10, 23, 21, 0, 1, 50)],
  ])('%s', (stamp, time) => expect(millisecondsOf(stamp)).toBe(time));

  it('are the same wherever the bytes are cut; carriage returns at the end go, others stay', () => {
    const stamp = '2026-11-23T21:00:00.000000000Z';
    const bytes = Buffer.from(`${stamp} one ž\r\n${stamp} \n${stamp} a\rb\n${stamp} open`);
    for (let size = 1; size < 40; size++) {
      const reader = new LineReader('stderr');
      const lines: LogLine[] = [];
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size), lines);
      reader.end(lines);
      expect(lines.map(({ text }) => text)).toEqual(['one ž', '', 'a\rb', 'open']);
      expect(lines.every((line) => line.stamp === stamp && line.stream === 'stderr')).toBe(true);
    }
  });
});

describe('use, from Docker statistics', () => {
  const stats = (seconds: number, change: Partial<ContainerStats> = {}): ContainerStats => ({
    id: 'a',
    name: '/a',
    read: new Date(seconds * 1000).toISOString(),
    preread: '',
    num_procs: 0,
    storage_stats: {},
    pids_stats: { current: 3 },
    blkio_stats: {
      io_service_bytes_recursive: [
        { major: 8, minor: 0, op: 'Read', value: seconds * 10 },
        { major: 8, minor: 0, op: 'write', value: seconds * 20 },
      ],
    },
    networks: {
      eth0: {
        rx_bytes: seconds * 100,
        tx_bytes: seconds * 200,
        rx_packets: 0,
        rx_errors: 0,
        rx_dropped: 0,
        tx_packets: 0,
        tx_errors: 0,
        tx_dropped: 0,
      },
    },
    memory_stats: { usage: 1000, limit: 5000, stats: { inactive_file: 300 } },
    cpu_stats: {
      cpu_usage: { total_usage: 2e9, usage_in_kernelmode: 0, usage_in_usermode: 0 },
      system_cpu_usage: 10e9,
      online_cpus: 4,
      throttling_data: { periods: 20, throttled_periods: 5, throttled_time: 0 },
    },
    precpu_stats: {
      cpu_usage: { total_usage: 1e9, usage_in_kernelmode: 0, usage_in_usermode: 0 },
      system_cpu_usage: 6e9,
      throttling_data: { periods: 10, throttled_periods: 0, throttled_time: 0 },
    },
    ...change,
  });

  it('computes as docker stats does, rates from the second sample on', () => {
    const maker = new SampleMaker();
    expect(maker.add(stats(10))).toMatchObject({
      cpuPercent: 100,
      memory: 700,
      memoryLimit: 5000,
      rxRate: 0,
      pids: 3,
      throttledPercent: 50,
    });
    expect(maker.add(stats(12))).toMatchObject({ rxRate: 100, txRate: 200, readRate: 10, writeRate: 20 });
  });

  it('takes a first sample, a stopped container and cgroup v1 as they come', () => {
    const maker = new SampleMaker();
    const empty = {
      cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
      throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
    };
    expect(
      maker.add(
        stats(1, {
          cpu_stats: empty,
          precpu_stats: empty,
          memory_stats: {},
          networks: undefined,
          blkio_stats: { io_service_bytes_recursive: null },
        }),
      ),
    ).toMatchObject({ cpuPercent: 0, memory: 0, rxRate: 0, readRate: 0 });
    expect(
      maker.add(stats(2, { memory_stats: { usage: 1000, stats: { total_inactive_file: 400, inactive_file: 100 } } }))
        .memory,
    ).toBe(600);
  });
});
