// @vitest-environment happy-dom
import { ORPCError } from '@orpc/client';
import { flushPromises, mount } from '@vue/test-utils';
import { createPinia } from 'pinia';
import { afterEach, expect, test, vi } from 'vitest';
import { createMemoryHistory } from 'vue-router';
import type { MachineState, MachineStatus } from '../../../electron/contract/machine.ts';
import { setClient } from '../../app/client.ts';
import { createAppRouter } from '../../app/router.ts';
import { demoChoices, demoMachine, demoStatus } from '../../testing/demo-machine.ts';
import { fakeClient, PushStream, type FakeOverrides } from '../../testing/fake-client.ts';
import ConfirmHost from '../../ui/ConfirmHost.vue';
import { toasts } from '../../ui/toasts.ts';
import MachineView from './MachineView.vue';

afterEach(() => {
  document.body.replaceChildren();
  toasts.splice(0);
});

async function open(first: MachineState | MachineStatus, machine: FakeOverrides['machine'] = {}, tab = '') {
  const demo = demoMachine('stopped');
  const changes = new PushStream<MachineStatus>(typeof first === 'string' ? demoStatus(first) : first);
  const selected: string[] = [];
  setClient(
    fakeClient({
      machine: { ...demo.machine, watch: () => changes, ...machine },
      engines: { watch: () => new PushStream(demoChoices), select: ({ id }) => void selected.push(id) },
    }),
  );
  const router = createAppRouter(createMemoryHistory());
  await router.push(`/machine/${tab}`);
  const plugins = { global: { plugins: [createPinia(), router] }, attachTo: document.body };
  mount(ConfirmHost, plugins);
  const view = mount(MachineView, { ...plugins, props: { tab } });
  await flushPromises();
  return { changes, selected, view };
}
const button = (label: string) =>
  [...document.querySelectorAll('button')].find(
    (each) => each.getAttribute('aria-label') === label || each.textContent?.trim() === label,
  );
const text = () => document.body.textContent ?? '';
const state = (step: string) => document.querySelector(`[data-step="${step}"]`)?.getAttribute('data-state');

test('on Linux it says that no machine is needed, and offers one action: start', async () => {
  let started = 0;
  await open('stopped', { start: () => void started++ });
  expect(text()).toContain('no machine is needed');
  expect(button('Stop')).toBeUndefined();
  button('Start')?.click();
  await flushPromises();
  expect(started).toBe(1);
});

test('the steps fill while it starts; running, there is one action: stop', async () => {
  const { changes, selected } = await open('starting');
  expect(state('init')).toBe('done');
  expect(state('mounted')).toBe('doing');
  expect(state('ssh')).toBe('ahead');
  expect(button('Start')).toBeUndefined();
  changes.push(demoStatus('running'));
  await flushPromises();
  expect(state('engine')).toBe('done');
  expect(button('Stop')).toBeDefined();
  expect(text()).toContain('Ready 5.61 s after the start');
  expect(text()).toContain('emulated');
  button('Use its engine')?.click();
  await flushPromises();
  expect(selected).toEqual(['machine']);
});

test('a failed step shows why and what to do, and is not said a second time', async () => {
  const failure = new ORPCError('FAILED', { defined: true, data: { code: 'machine-step', message: 'full' } });
  // the refusal comes before the state does
  const { changes } = await open('stopped', { start: () => Promise.reject(failure) });
  button('Start')?.click();
  await flushPromises();
  changes.push(demoStatus('failed'));
  await flushPromises();
  expect(state('mounted')).toBe('failed');
  const why = document.querySelector('[data-step="mounted"]')?.textContent ?? '';
  expect(why).toContain('no space left on this host');
  expect(why).toContain('What to do: free space on the host');
  expect(document.querySelectorAll('[role="alert"]')).toHaveLength(0);
  expect(toasts).toEqual([]);
});

test('a machine that stands still says why and what to do, in place of that it runs', async () => {
  const standstill = { why: 'The disk of this computer is full.', hint: 'Free some room.' };
  const { changes } = await open({ ...demoStatus('running'), standstill });
  expect(document.querySelector('[data-machine-state]')?.textContent).toBe('Standing still');
  expect(document.querySelector('[role="alert"]')?.textContent).toBe(
    'The disk of this computer is full.What to do: Free some room.',
  );
  changes.push(demoStatus('running'));
  await flushPromises();
  expect(document.querySelector('[data-machine-state]')?.textContent).toBe('Running');
  expect(document.querySelector('[role="alert"]')).toBeNull();
});

test('one that was ended hard says what that means, until it starts again; the image that runs has its version', async () => {
  const { changes } = await open({ ...demoStatus('stopped'), endedHard: true });
  expect(text()).toContain('It was ended hard');
  const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
  changes.push({ ...demoStatus('running'), imageVersion: '1.2.3', imageDigest: digest });
  await flushPromises();
  expect(text()).not.toContain('It was ended hard');
  expect(text()).toContain('1.2.3 (sha256:0123456789ab)');
});

test('a failure that is no step’s is said', async () => {
  const failure = new ORPCError('FAILED', { defined: true, data: { code: 'machine', message: 'no berth here' } });
  await open('stopped', { start: () => Promise.reject(failure) });
  button('Start')?.click();
  await flushPromises();
  expect(toasts).toEqual([expect.objectContaining({ title: 'The machine did not start', detail: 'no berth here' })]);
});

test('memory, disk, ports with the owner of a taken one, folders', async () => {
  await open('running');
  const bar = document.querySelector('[aria-label^="Memory of the guest"]')?.getAttribute('aria-label');
  expect(bar).toBe(
    'Memory of the guest: Containers 612 MiB, Engine and guest 96.0 MiB, Kernel 88.0 MiB, Page cache 520 MiB, Free 732 MiB',
  );
  expect(text()).toContain('This computer has given 1.37 GiB');
  expect(text()).toContain('It takes 11.4 GiB on this computer');
  const taken = document.querySelector('[data-port="5432"]')?.textContent ?? '';
  expect(taken).toContain('not open');
  expect(taken).toContain('Taken by postgres (pid 1234)');
  expect(text()).toContain('only the first 8,192 folders are watched');
  expect(text()).toContain('What containers make here belongs to you.');
  expect(text()).toContain('there is no such folder');
});

test('reset says what goes, and does nothing without a yes', async () => {
  const asked: string[] = [];
  const { view } = await open('running', { reset: () => void asked.push('reset') });
  const menu = button('More actions') as HTMLButtonElement;
  const openMenu = async () => {
    menu.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    await flushPromises();
    const entry = [...document.querySelectorAll('[role="menuitem"]')].find((each) =>
      each.textContent?.includes('Reset'),
    );
    (entry as HTMLElement).click();
    await vi.waitFor(() => expect(document.querySelector('[role="alertdialog"]')).not.toBeNull());
  };
  await openMenu();
  const dialog = document.querySelector('[role="alertdialog"]')?.textContent ?? '';
  for (const word of ['All images', 'All containers', 'All volumes', 'cannot be undone'])
    expect(dialog).toContain(word);
  button('Cancel')?.click();
  await flushPromises();
  expect(asked).toEqual([]);
  await openMenu();
  button('Reset the machine')?.click();
  await flushPromises();
  expect(asked).toEqual(['reset']);
  view.unmount();
});

test('settings: what is wrong stands at its field, what needs a restart is said', async () => {
  const saved: unknown[] = [];
  const { changes } = await open(
    { ...demoStatus('running'), pending: [] },
    {
      setSettings: (change) => {
        saved.push(change);
        const settings = { ...demoStatus('running').settings, ...change } as never;
        return { settings, applied: [], needsRestart: ['memory'] };
      },
    },
    'settings',
  );
  const field = (name: string) => document.querySelector<HTMLInputElement>(`[name="${name}"]`) as HTMLInputElement;
  const type = async (name: string, value: string) => {
    field(name).value = value;
    field(name).dispatchEvent(new Event('input', { bubbles: true }));
    await flushPromises();
  };
  const save = () => button('Save') as HTMLButtonElement;
  expect(save().disabled).toBe(true);
  await type('disk', '10');
  expect(field('disk').getAttribute('aria-invalid')).toBe('true');
  expect(text()).toContain('the disk only grows');
  expect(save().disabled).toBe(true);
  await type('disk', '64');
  await type('memory', '4096');
  save()
    .closest('form')
    ?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  await flushPromises();
  expect(saved).toEqual([{ memory: 4096 }]);
  changes.push({ ...demoStatus('running'), pending: ['memory'] });
  await flushPromises();
  expect(text()).toContain('Changed memory: in force after a restart');
  expect(button('Restart now')).toBeDefined();
});

test('a refusal of the host stands at the field it names', async () => {
  const data = { code: 'machine', message: 'The folder /etc cannot be shared', field: 'folders' };
  await open(
    'stopped',
    { setSettings: () => Promise.reject(new ORPCError('FAILED', { defined: true, data })) },
    'settings',
  );
  const folder = document.querySelector<HTMLInputElement>('[name="folders.0.path"]') as HTMLInputElement;
  folder.value = '/etc';
  folder.dispatchEvent(new Event('input', { bubbles: true }));
  await flushPromises();
  folder.closest('form')?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  await flushPromises();
  expect(document.querySelector('[role="alert"]')?.textContent).toContain('/etc cannot be shared');
});

test('a connection that is lost is said, one that is refused with why and what to do', async () => {
  const running = demoStatus('running');
  const { changes } = await open({ ...running, connection: 'reconnecting' });
  expect(text()).toContain('does not answer at the moment');
  const refusal = { error: 'the machine does not let this key in', hint: 'berth machine restart' };
  changes.push({ ...running, connection: 'refused', refusal });
  await flushPromises();
  expect(document.querySelector('.note.danger')?.textContent).toContain(
    'The machine does not let this key in. Berth machine restart.',
  );
  changes.push({ ...running, connection: 'connected' });
  await flushPromises();
  expect(text()).not.toContain('this key');
});
