// @vitest-environment happy-dom
import { ORPCError } from '@orpc/client';
import { flushPromises } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { beforeEach, expect, test } from 'vitest';
import type { PullUpdate } from '../../../electron/contract/model.ts';
import { setClient } from '../../app/client.ts';
import { fakeClient, PushStream } from '../../testing/fake-client.ts';
import { usePullsStore } from './pulls-store.ts';

beforeEach(() => setActivePinia(createPinia()));

test('a pull goes through its layers to its end, and is not started twice', async () => {
  const updates = new PushStream<PullUpdate>();
  let calls = 0;
  setClient(fakeClient({ images: { pull: () => (calls++, updates) } }));
  const store = usePullsStore();
  const pull = store.start('alpine');
  expect(store.start('alpine')).toBe(pull);
  await flushPromises();
  expect(calls).toBe(1);
  updates.push({
    kind: 'progress',
    layers: [{ id: 'a', phase: 'downloading', current: 50, total: 100 }],
    message: 'Pulling',
    bytesPerSecond: 10,
  });
  await flushPromises();
  const before = pull.fraction ?? 0;
  expect(before).toBeGreaterThan(0.2);
  updates.push({
    kind: 'progress',
    layers: [
      { id: 'a', phase: 'downloading', current: 50, total: 100 },
      { id: 'b', phase: 'waiting', current: 0, total: 0 },
    ],
    message: 'Pulling',
    bytesPerSecond: 10,
  });
  await flushPromises();
  expect(pull.fraction).toBe(before);
  updates.push({ kind: 'done', imageId: 'sha256:1', message: 'Downloaded newer image' });
  updates.end();
  await flushPromises();
  expect([pull.state, pull.fraction, pull.imageId]).toEqual(['done', 1, 'sha256:1']);
});

test('a pull that fails keeps why and what to do', async () => {
  const data = { code: 'refused', message: 'connection refused', action: 'Start the registry' };
  setClient(fakeClient({ images: { pull: () => Promise.reject(new ORPCError('FAILED', { data, defined: true })) } }));
  const pull = usePullsStore().start('127.0.0.1:1/x');
  await flushPromises();
  expect(pull.state).toBe('failed');
  expect(pull.error).toEqual(data);
});

test('cancelling aborts the call', async () => {
  let signal: AbortSignal | undefined;
  setClient(
    fakeClient({ images: { pull: (_, options) => ((signal = options?.signal), new PushStream<PullUpdate>()) } }),
  );
  const store = usePullsStore();
  const pull = store.start('alpine');
  await flushPromises();
  store.cancel(pull);
  expect(signal?.aborted).toBe(true);
  expect(pull.state).toBe('cancelled');
  store.dismiss(pull);
  expect(store.pulls).toEqual([]);
});
