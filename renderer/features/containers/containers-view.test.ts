// @vitest-environment happy-dom
import { flushPromises, mount } from '@vue/test-utils';
import { createPinia } from 'pinia';
import { afterEach, expect, test, vi } from 'vitest';
import { createMemoryHistory } from 'vue-router';
import type { ContainerChange } from '../../../electron/contract/model.ts';
import { setClient } from '../../app/client.ts';
import { createAppRouter } from '../../app/router.ts';
import { fakeClient, PushStream } from '../../testing/fake-client.ts';
import type { FakeOverrides } from '../../testing/fake-client.ts';
import { aContainer } from '../../testing/samples.ts';
import ConfirmHost from '../../ui/ConfirmHost.vue';
import { toasts } from '../../ui/toasts.ts';
import ContainersView from './ContainersView.vue';

afterEach(() => {
  document.body.replaceChildren();
  toasts.splice(0);
});

async function open(changes: PushStream<ContainerChange>, containers: FakeOverrides['containers'] = {}) {
  setClient(fakeClient({ containers: { watch: () => changes, ...containers } }));
  const router = createAppRouter(createMemoryHistory());
  await router.push('/containers');
  const plugins = { global: { plugins: [createPinia(), router] }, attachTo: document.body };
  mount(ConfirmHost, plugins);
  const view = mount(ContainersView, plugins);
  await flushPromises();
  return { view, router };
}
const names = () => [...document.querySelectorAll('[data-row]')].map((row) => row.querySelector('a')?.textContent);
const button = (label: string, within: ParentNode = document) =>
  [...within.querySelectorAll('button')].find(
    (each) => each.getAttribute('aria-label') === label || each.textContent?.trim() === label,
  ) as HTMLButtonElement;

test('a container started elsewhere appears, changes and goes without asking', async () => {
  const changes = new PushStream<ContainerChange>({ kind: 'snapshot', rows: [aContainer({ name: 'first' })] });
  await open(changes);
  expect(names()).toEqual(['first']);
  const second = aContainer({ name: 'second', state: 'created', status: 'Created' });
  changes.push({ kind: 'upsert', row: second });
  await flushPromises();
  expect(names()).toEqual(['first', 'second']);
  changes.push({ kind: 'upsert', row: { ...second, state: 'running', name: 'renamed' } });
  await flushPromises();
  expect(document.querySelectorAll('[data-state="running"]')).toHaveLength(2);
  changes.push({ kind: 'remove', id: second.id });
  await flushPromises();
  expect(names()).toEqual(['first']);
});

test('the empty list leads to the run dialog', async () => {
  await open(new PushStream<ContainerChange>({ kind: 'snapshot', rows: [] }));
  expect(document.body.textContent).toContain('No containers yet');
});

test('removing says what is killed, asks, and shows why one stayed', async () => {
  const [web, job] = [aContainer({ name: 'web', state: 'running' }), aContainer({ name: 'job', state: 'exited' })];
  const calls: unknown[] = [];
  await open(new PushStream<ContainerChange>({ kind: 'snapshot', rows: [web, job] }), {
    remove: (input) => {
      calls.push(input);
      return [{ id: web.id, error: { code: 'busy', message: 'device is busy' } }, { id: job.id }];
    },
  });
  (document.querySelector('input[aria-label="Select all"]') as HTMLInputElement).click();
  await flushPromises();
  button('Remove', document.querySelector('[role="toolbar"]') as Element).click();
  await flushPromises();
  const dialog = document.querySelector('[role="alertdialog"]') as Element;
  expect(dialog.textContent).toContain('Remove 2 containers?');
  expect(dialog.textContent).toContain('1 of them is running and will be killed');
  expect(calls).toEqual([]);
  button('Remove 2', dialog).click();
  await flushPromises();
  expect(calls).toEqual([{ ids: [web.id, job.id], force: true, volumes: false }]);
  expect(toasts.map((toast) => [toast.tone, toast.title, toast.detail])).toEqual([
    ['danger', 'web was not removed', 'device is busy'],
    ['success', 'job removed', ''],
  ]);
});

test('a click on a button of a row acts and stays; a click on the row opens the container', async () => {
  const row = aContainer({ name: 'web' });
  const stopped: string[][] = [];
  const { router } = await open(new PushStream<ContainerChange>({ kind: 'snapshot', rows: [row] }), {
    stop: ({ ids }) => (stopped.push(ids), ids.map((id) => ({ id }))),
  });
  button('Stop web').click();
  await flushPromises();
  expect(stopped).toEqual([[row.id]]);
  expect(router.currentRoute.value.name).toBe('containers');
  (document.querySelector('[data-row] td:nth-child(4)') as HTMLElement).click();
  await vi.waitFor(() => expect(router.currentRoute.value.params['id']).toBe(row.id), 5_000);
});

test('of thousands of rows only those in sight are in the document', async () => {
  const rows = Array.from({ length: 3000 }, (_, index) => aContainer({ name: `c-${index}` }));
  await open(new PushStream<ContainerChange>({ kind: 'snapshot', rows }));
  expect(document.querySelectorAll('[data-row]').length).toBeLessThan(60);
  expect(document.querySelector('table')?.getAttribute('aria-rowcount')).toBe('3001');
});
