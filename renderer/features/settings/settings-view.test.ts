// @vitest-environment happy-dom
import { ORPCError } from '@orpc/client';
import { flushPromises, mount } from '@vue/test-utils';
import { createPinia } from 'pinia';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMemoryHistory } from 'vue-router';
import type { EngineChoices } from '../../../electron/contract/engines.ts';
import { setClient } from '../../app/client.ts';
import { createAppRouter } from '../../app/router.ts';
import { demoChoices, demoDefaults, demoMachine } from '../../testing/demo-machine.ts';
import { fakeClient, PushStream, type FakeOverrides } from '../../testing/fake-client.ts';
import { readyEngine } from '../../testing/samples.ts';
import { toasts } from '../../ui/toasts.ts';
import SettingsView from './SettingsView.vue';

beforeEach(() => vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined })));
afterEach(() => {
  document.body.replaceChildren();
  toasts.splice(0);
  vi.unstubAllGlobals();
});

async function open(choices: EngineChoices = demoChoices, engines: FakeOverrides['engines'] = {}) {
  const stream = new PushStream(choices);
  setClient(
    fakeClient({
      engine: { watch: () => new PushStream(readyEngine), defaults: () => demoDefaults },
      engines: { ...demoMachine('running').engines, watch: () => stream, ...engines },
      system: demoMachine('running').system as FakeOverrides['system'],
    }),
  );
  const router = createAppRouter(createMemoryHistory());
  await router.push('/settings');
  mount(SettingsView, { global: { plugins: [createPinia(), router] }, attachTo: document.body });
  await flushPromises();
  return stream;
}
const radio = (id: string) => document.querySelector<HTMLInputElement>(`input[name="engine"][value="${id}"]`);
const text = () => document.body.textContent ?? '';
const button = (label: string) =>
  [...document.querySelectorAll('button')].find(
    (each) => each.getAttribute('aria-label') === label || each.textContent?.trim() === label,
  );

test('shows what is used and what can be; a choice is asked of the host, and what it tells is shown', async () => {
  const selected: string[] = [];
  const stream = await open(demoChoices, { select: ({ id }) => void selected.push(id) });
  expect(radio('local')?.checked).toBe(true);
  expect(radio('docker:cloud')?.disabled).toBe(true);
  expect(text()).toContain('Berth reaches engines through unix sockets and ssh.');
  radio('machine')?.dispatchEvent(new Event('change'));
  await flushPromises();
  expect(selected).toEqual(['machine']);
  stream.push({ ...demoChoices, current: 'machine' });
  await flushPromises();
  expect(radio('machine')?.checked).toBe(true);
});

test('a pinned engine is said, and nothing can be chosen', async () => {
  await open({ ...demoChoices, pinned: true });
  expect(text()).toContain('started with --engine');
  expect(radio('machine')?.disabled).toBe(true);
});

test('an address is tried before it is added; what is wrong stands at its field', async () => {
  const data = { code: 'unreachable', message: 'The engine does not answer.', action: 'Check it.', field: 'endpoint' };
  const added: unknown[] = [];
  let refuse = true;
  await open(demoChoices, {
    check: () =>
      refuse
        ? Promise.reject(new ORPCError('FAILED', { defined: true, data }))
        : { version: '28', apiVersion: '1.49', system: 'Debian', kernel: '6', berth: false },
    add: (engine) => {
      added.push(engine);
      return { id: 'own:lab' };
    },
  });
  button('Add an engine')?.click();
  await flushPromises();
  const type = async (name: string, value: string) => {
    const field = document.querySelector<HTMLInputElement>(`[role="dialog"] [name="${name}"]`) as HTMLInputElement;
    field.value = value;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await flushPromises();
  };
  await type('name', 'lab');
  await type('endpoint', 'ssh://me@lab');
  button('Try it')?.click();
  await flushPromises();
  expect(document.querySelector('[role="dialog"] [role="alert"]')?.textContent).toContain('does not answer');
  expect(text()).toContain('Check it.');
  refuse = false;
  button('Try it')?.click();
  await flushPromises();
  expect(text()).toContain('Docker-compatible 28, API 1.49');
  document.querySelector('#add-engine')?.dispatchEvent(new Event('submit', { cancelable: true }));
  await flushPromises();
  expect(added).toEqual([{ name: 'lab', endpoint: 'ssh://me@lab' }]);
  expect(document.querySelector('[role="dialog"]')).toBeNull();
});

test('what the engine goes by, where things are, and the report before it goes anywhere', async () => {
  await open();
  expect(text()).toContain('http://proxy.example:3128');
  expect(text()).toContain('json-file');
  expect(text()).toContain('data.raw (not there yet)');
  button('Make a report')?.click();
  await flushPromises();
  expect(document.querySelector('pre')?.textContent).toContain('## Berth');
});
