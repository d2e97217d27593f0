// @vitest-environment happy-dom
import { ORPCError } from '@orpc/client';
import { flushPromises, mount } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { afterEach, expect, test, vi } from 'vitest';
import { createMemoryHistory } from 'vue-router';
import type { RunRequest } from '../../../electron/contract/run-request.ts';
import { setClient } from '../../app/client.ts';
import { createAppRouter } from '../../app/router.ts';
import { fakeClient, PushStream, valuesOf } from '../../testing/fake-client.ts';
import type { FakeOverrides } from '../../testing/fake-client.ts';
import { anImage } from '../../testing/samples.ts';
import { useRunDialog } from './dialog-store.ts';
import RunDialog from './RunDialog.vue';

afterEach(() => document.body.replaceChildren());

async function open(run: NonNullable<FakeOverrides['containers']>['run'], image = 'busybox') {
  setClient(
    fakeClient({
      containers: { run },
      images: {
        watch: () => new PushStream({ kind: 'snapshot' as const, rows: [anImage({ tags: ['busybox:latest'] })] }),
      },
      networks: {
        list: () => [{ id: '1', name: 'backend', driver: 'bridge', subnets: [], internal: false, containers: [] }],
      },
      volumes: { list: () => [] },
    }),
  );
  const pinia = createPinia();
  setActivePinia(pinia);
  const router = createAppRouter(createMemoryHistory());
  await router.push('/containers');
  useRunDialog().show(image);
  mount(RunDialog, { global: { plugins: [pinia, router] }, attachTo: document.body });
  await flushPromises();
  return { router, dialog: useRunDialog() };
}
async function type(name: string, value: string) {
  const input = document.querySelector(`[name="${name}"]`) as HTMLInputElement;
  input.value = value;
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await flushPromises();
}
async function submit() {
  (document.querySelector('#run-form') as HTMLFormElement).dispatchEvent(
    new Event('submit', { bubbles: true, cancelable: true }),
  );
  await flushPromises();
}
const text = () => document.body.textContent ?? '';

test('the docker line follows what is typed, and running leads to the logs of the new container', async () => {
  const requests: RunRequest[] = [];
  const { router, dialog } = await open((input) => {
    requests.push(input as RunRequest);
    return valuesOf({ kind: 'created' as const, id: 'abc', warnings: [] }, { kind: 'started' as const, id: 'abc' });
  });
  expect(text()).toContain('Stored on this engine');
  await type('name', 'web');
  await type('command', "sh -c 'sleep 9'");
  expect(document.querySelector('output')?.textContent).toBe("docker run -d --name web busybox sh -c 'sleep 9'");
  await submit();
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({ image: 'busybox', name: 'web', command: "sh -c 'sleep 9'" });
  expect(dialog.open).toBe(false);
  await vi.waitFor(() => expect(router.currentRoute.value.fullPath).toBe('/containers/abc/logs'), 5_000);
});

test('a wrong field is told beside it and nothing is sent', async () => {
  let calls = 0;
  await open(() => (calls++, valuesOf()), 'Not A Reference');
  await submit();
  expect(calls).toBe(0);
  const input = document.querySelector('[name="image"]') as HTMLInputElement;
  expect(input.getAttribute('aria-invalid')).toBe('true');
  expect(document.getElementById(input.getAttribute('aria-describedby') ?? '')?.textContent).toContain(
    'invalid reference format',
  );
});

test('what the engine says about a field stands beside that field, until it is changed', async () => {
  const data = { code: 'conflict', message: 'The name is in use', field: 'name' };
  const { dialog } = await open(() => Promise.reject(new ORPCError('FAILED', { data, defined: true })));
  await type('name', 'taken');
  await submit();
  expect(dialog.open).toBe(true);
  expect(document.querySelector('[name="name"]')?.getAttribute('aria-invalid')).toBe('true');
  expect(text()).toContain('The name is in use');
  await type('name', 'free');
  expect(document.querySelector('[name="name"]')?.getAttribute('aria-invalid')).toBeNull();
});

test('a refusal that is about no field is told as a whole', async () => {
  await open(async function* () {
    yield { kind: 'created' as const, id: 'abc', warnings: [] };
    throw new ORPCError('FAILED', {
      data: { code: 'x', message: 'the runtime gave up' },
      defined: true,
    });
  });
  await submit();
  expect(text()).toContain('The container was not run');
  expect(text()).toContain('the runtime gave up');
});
