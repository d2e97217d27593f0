// @vitest-environment happy-dom
import { ORPCError } from '@orpc/client';
import { enableAutoUnmount, flushPromises, mount } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMemoryHistory } from 'vue-router';
import type { ContainerChange, LogBatch } from '../../../electron/contract/model.ts';
import { setClient } from '../../app/client.ts';
import { createAppRouter } from '../../app/router.ts';
import { fakeClient, PushStream } from '../../testing/fake-client.ts';
import type { FakeOverrides } from '../../testing/fake-client.ts';
import ContainerDetail from './ContainerDetail.vue';
import { demoInspect, demoIsolation, demoRow } from './demo/demo-data.ts';
import IsolationTab from './isolation/IsolationTab.vue';
import LogsTab from './logs/LogsTab.vue';
import ProcessesTab from './processes/ProcessesTab.vue';

enableAutoUnmount(afterEach);
beforeEach(() => setActivePinia(createPinia()));

function clientWith(containers: NonNullable<FakeOverrides['containers']>): void {
  setClient(fakeClient({ containers }));
}
const line = (index: number, stream: 'stdout' | 'stderr' = 'stdout') => ({
  time: 1_700_000_000_000 + index,
  stamp: `${new Date(1_700_000_000_000 + index).toISOString().slice(0, -1)}000000Z`,
  stream,
  text: `line ${index}`,
});
const frame = async () => {
  await new Promise((done) => setTimeout(done, 60));
  await flushPromises();
};

describe('logs', () => {
  it('shows what comes, counts it, searches it and opens again after an end', async () => {
    const feeds: PushStream<LogBatch>[] = [];
    clientWith({ logs: () => feeds[feeds.push(new PushStream<LogBatch>()) - 1] as PushStream<LogBatch> });
    const view = mount(LogsTab, { props: { id: demoRow.id, container: demoRow } });
    await flushPromises();
    feeds[0]?.push({
      kind: 'lines',
      lines: Array.from({ length: 12 }, (_, i) => line(i, i === 3 ? 'stderr' : 'stdout')),
    });
    feeds[0]?.push({ kind: 'caughtUp' });
    await frame();
    expect(view.get('[data-testid=line-count]').text()).toBe('12 lines');
    expect(view.findAll('.row').map((row) => row.get('.text').text())).toContain('line 3');
    expect(view.findAll('.row.stderr')).toHaveLength(1);
    await view.get('input').setValue('LINE 1');
    await frame();
    expect(view.get('.found').text()).toBe('3 lines');
    await view.get('input').setValue('');

    await view.setProps({ container: { ...demoRow, state: 'exited' } });
    feeds[0]?.push({ kind: 'end' });
    await frame();
    expect(view.get('footer').text()).toContain('Ended');
    await view.setProps({ container: demoRow });
    await frame();
    expect(feeds).toHaveLength(2);
    feeds[1]?.push({ kind: 'lines', lines: [line(11), line(12)] });
    await frame();
    expect(view.get('[data-testid=line-count]').text()).toBe('13 lines');
  });

  it('says why there are none, and what to do', async () => {
    clientWith({
      logs: () => {
        throw new ORPCError('FAILED', {
          data: { code: 'x', message: 'configured logging driver does not support reading', action: 'Use json-file.' },
        });
      },
    });
    const view = mount(LogsTab, { props: { id: demoRow.id, container: demoRow } });
    await frame();
    expect(view.get('[role=alert]').text()).toMatch(/does not support reading.*Use json-file/);
  });
});

describe('processes', () => {
  it('asks again while in sight, and not when out of it', async () => {
    vi.useFakeTimers();
    try {
      const processes = vi.fn(() => ({ titles: ['PID', 'CMD'], rows: [['1', 'sleep 9']] }));
      clientWith({ processes });
      const view = mount(ProcessesTab, { props: { id: demoRow.id, container: demoRow, active: true } });
      await vi.advanceTimersByTimeAsync(4_100);
      expect(processes).toHaveBeenCalledTimes(3);
      expect(view.get('tbody').text()).toContain('sleep 9');
      await view.setProps({ active: false });
      await vi.advanceTimersByTimeAsync(10_000);
      expect(processes).toHaveBeenCalledTimes(3);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('isolation', () => {
  const props = { id: demoRow.id, container: demoRow, active: true, nameOf: () => 'web' };
  it('shows namespaces, control group and rights', async () => {
    clientWith({ isolation: () => demoIsolation, pressure: () => null });
    const view = mount(IsolationTab, { props });
    await flushPromises();
    expect(view.text()).toContain('net:[4026532302]');
    expect(view.text()).toContain('shared with web');
    expect(view.text()).toContain('NET_ADMIN');
    await view.get('input[type=search]').setValue('pids');
    expect(view.text()).toContain('pids.current');
    expect(view.text()).not.toContain('cpu.stat');
  });
  it('says plainly that another engine does not tell', async () => {
    clientWith({ isolation: () => null });
    const view = mount(IsolationTab, { props });
    await flushPromises();
    expect(view.text()).toContain('This engine does not tell');
  });
});

describe('the whole', () => {
  it('lives with the container, and says when it has been removed', async () => {
    const changes = new PushStream<ContainerChange>({ kind: 'snapshot', rows: [demoRow] });
    clientWith({ watch: () => changes, inspect: () => demoInspect });
    const router = createAppRouter(createMemoryHistory());
    const view = mount(ContainerDetail, { props: { id: demoRow.name, tab: 'inspect' }, global: { plugins: [router] } });
    await flushPromises();
    expect(view.get('h1').text()).toBe('shop-frontend');
    expect(view.get('.detail-header').text()).toContain('Running');
    await vi.waitFor(() => expect(view.text()).toContain('pid 4711 on the host'));
    changes.push({ kind: 'upsert', row: { ...demoRow, state: 'paused' } });
    await flushPromises();
    expect(view.get('.detail-header').text()).toContain('Unpause');
    changes.push({ kind: 'remove', id: demoRow.id });
    await flushPromises();
    expect(view.text()).toContain('This container has been removed');
  });
  it('knows that there is none of that name', async () => {
    clientWith({ watch: () => new PushStream<ContainerChange>({ kind: 'snapshot', rows: [demoRow] }) });
    const view = mount(ContainerDetail, {
      props: { id: 'nothing', tab: 'logs' },
      global: { plugins: [createAppRouter(createMemoryHistory())] },
    });
    await flushPromises();
    expect(view.text()).toContain('No such container');
  });
});
