import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RuntimeFailure } from '../../runtime/failures.ts';
import { removedAll } from '../../store/remove-later.ts';
import { create } from './create.ts';
import { recordExit } from './exited.ts';
import type { Live } from './live.ts';
import { start } from './start.ts';
import { containerDoubles, type Doubles, type Step } from './testing.ts';

let doubles: Doubles;
beforeEach(async () => {
  doubles = await containerDoubles();
});
afterEach(() => doubles.remove());

const make = async (): Promise<Live> => {
  const { Id } = await create(doubles.ctx, { Image: 'busybox' }, { name: 'tested' });
  return doubles.ctx.table.get(Id);
};

describe('start', () => {
  it('runs and records, and an exit gives everything back', async () => {
    const live = await make();
    await start(doubles.ctx, live);
    expect(live.record.state).toMatchObject({ Status: 'running', Running: true, Pid: 4242, ExitCode: 0 });
    expect(doubles.held).toEqual(new Set(['mount', 'netns', 'network', 'process']));
    await live.lock.run(() =>
      recordExit(doubles.ctx, live, { id: live.id, code: 3, at: '2026-01-01T00:00:00.000000000Z' }),
    );
    expect(live.record.state).toMatchObject({
      Status: 'exited',
      Running: false,
      Pid: 0,
      ExitCode: 3,
      FinishedAt: '2026-01-01T00:00:00.000000000Z',
    });
    expect(live.record.attached).toEqual({ networks: {}, ports: {} });
    expect([...doubles.held].filter((what) => what !== 'mount')).toEqual([]);
  });

  it.each<Step>(['mount', 'makeNamespace', 'attach', 'buildSpec', 'create', 'connect', 'start'])(
    'gives everything back when %s fails, tells why, and can be tried again',
    async (step) => {
      const live = await make();
      // Somebody waits for output, so that the connection is made.
      let ended = false;
      live.hub.join({ onOutput: () => undefined, onEnd: () => (ended = true) }, false);
      doubles.failAt(step);
      await expect(start(doubles.ctx, live)).rejects.toThrow(`${step} fails`);
      expect([...doubles.held].filter((what) => what !== 'mount')).toEqual([]);
      expect(ended).toBe(true);
      expect(live.record.state).toMatchObject({ Status: 'created', Pid: 0, ExitCode: 128, Error: `${step} fails` });
      expect(await readdir(`${doubles.ctx.layout.run}/containers`).catch(() => [])).toEqual([]);
      expect(doubles.errors).toEqual([]);
      doubles.failAt(undefined);
      await start(doubles.ctx, live);
      expect(live.record.state).toMatchObject({ Status: 'running', Error: '' });
    },
  );

  it('keeps the exit code of a runtime failure, and removes a container that is to remove itself', async () => {
    const { Id } = await create(doubles.ctx, { Image: 'busybox', HostConfig: { AutoRemove: true } }, {});
    const live = doubles.ctx.table.get(Id);
    doubles.ctx.supervisor.create = () => Promise.reject(new RuntimeFailure('no such program', 127, true));
    await expect(start(doubles.ctx, live)).rejects.toMatchObject({
      kind: 'invalid-parameter',
      message: 'no such program',
    });
    expect(live.record.state.ExitCode).toBe(127);
    expect(doubles.ctx.table.find(Id)).toBeUndefined();
    await removedAll();
    expect(await readdir(doubles.ctx.layout.containers)).toEqual([]);
  });
});

describe('create', () => {
  it('gives back name, volumes and directory when a later step fails', async () => {
    const removed: string[] = [];
    const ctx = {
      ...doubles.ctx,
      resolveMounts: () => Promise.resolve({ mounts: [], anonymous: ['v1'] }),
      volumes: {
        remove: (name: string) => Promise.resolve(void removed.push(name)),
      } as unknown as typeof doubles.ctx.volumes,
      clock: {
        ...doubles.ctx.clock,
        timestamp: () => {
          throw new Error('the clock stands still');
        },
      },
    };
    await expect(create(ctx, { Image: 'busybox' }, { name: 'tested' })).rejects.toThrow('the clock stands still');
    expect(removed).toEqual(['v1']);
    expect(await readdir(ctx.layout.containers)).toEqual([]);
    expect(ctx.table.isFree('tested')).toBe(true);
  });

  it('makes up a name, and keeps the record before it answers', async () => {
    const { Id } = await create(doubles.ctx, { Image: 'busybox' }, {});
    expect(doubles.ctx.table.get(Id).record.name).toMatch(/^[a-z]+_[a-z]+\d?$/);
    expect(await readdir(doubles.ctx.layout.container(Id))).toContain('record.json');
  });
});
