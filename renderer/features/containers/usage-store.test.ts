// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { UsageSample, UsageUpdate } from '../../../electron/contract/model.ts';
import { setClient } from '../../app/client.ts';
import { fakeClient, PushStream } from '../../testing/fake-client.ts';
import { useUsageStore } from './usage-store.ts';

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
});
afterEach(() => vi.useRealTimers());

const sample = (cpuPercent: number): UsageSample => ({
  time: 0,
  cpuPercent,
  memory: cpuPercent * 10,
  memoryLimit: 1,
  rxRate: 0,
  txRate: 0,
  readRate: 0,
  writeRate: 0,
  pids: 1,
  throttledPercent: 0,
});
const settle = () => vi.advanceTimersByTimeAsync(1);

test('the last sixty values are kept; a container that stopped goes', async () => {
  const updates = new PushStream<UsageUpdate>();
  setClient(fakeClient({ containers: { usage: () => updates } }));
  const store = useUsageStore();
  store.follow();
  await settle();
  for (let n = 1; n <= 70; n++) updates.push({ time: n, containers: { a: sample(n), b: sample(1) } });
  await settle();
  expect(store.recent.get('a')?.cpu).toEqual(Array.from({ length: 60 }, (_, index) => index + 11));
  expect(store.recent.get('a')?.last.memory).toBe(700);
  updates.push({ time: 71, containers: { a: sample(0) } });
  await settle();
  expect(store.recent.has('b')).toBe(false);
});

test('the host is asked once, and left alone a minute after the last one looked', async () => {
  const signals: AbortSignal[] = [];
  setClient(
    fakeClient({
      containers: {
        usage: (_, options) => (signals.push(options?.signal as AbortSignal), new PushStream<UsageUpdate>()),
      },
    }),
  );
  const store = useUsageStore();
  const leave = store.follow();
  leave();
  await vi.advanceTimersByTimeAsync(30_000);
  const leaveAgain = store.follow();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(signals.map((signal) => signal.aborted)).toEqual([false]);
  leaveAgain();
  await vi.advanceTimersByTimeAsync(60_001);
  expect(signals.map((signal) => signal.aborted)).toEqual([true]);
});
