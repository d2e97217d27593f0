import { expect, it } from 'vitest';
import type { Standstill } from '../contract/machine.ts';
import { watchStandstill, withoutRoom } from './standstill.ts';
import { MachineError } from './types.ts';

/** A machine that stops for want of room, and again at each `resume` while there is none. */
function setting() {
  const over = new AbortController();
  const told: (Standstill | undefined)[] = [];
  const state = { cause: undefined as 'no-room' | 'io-error' | undefined, free: 0, resumed: 0, wentOn: 0 };
  const machine = {
    standstill: () => Promise.resolve(state.cause),
    resume: () => {
      state.resumed++;
      if (state.free > 0) state.cause = undefined;
      return Promise.resolve();
    },
  };
  const watching = watchStandstill(
    machine,
    '/data.raw',
    (standstill) => told.push(standstill),
    () => Promise.resolve(state.wentOn++),
    over.signal,
    { beat: 1, free: () => state.free },
  );
  return { state, told, end: () => (over.abort(), watching) };
}

it('tells that the disk of this computer is full, and has the machine go on only when there is room', async () => {
  const { state, told, end } = setting();
  state.cause = 'no-room';
  await expect.poll(() => told.length).toBeGreaterThan(3);
  expect(told[0]).toMatchObject({ why: expect.stringContaining('full (0 MiB'), hint: expect.stringContaining('Free') });
  expect(state.resumed).toBe(0);
  state.free = 2 ** 30;
  await expect.poll(() => state.wentOn).toBe(1);
  expect(told.at(-1)).toBeUndefined();
  await end();
});

it('tries again by itself where the disk could not be written', async () => {
  const { state, told, end } = setting();
  state.cause = 'io-error';
  await expect.poll(() => state.resumed).toBeGreaterThan(2);
  expect(told.at(-1)?.why).toContain('/data.raw');
  expect(state.wentOn).toBe(0);
  await end();
});

it('tells a start for which there was no room what to do', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(withoutRoom(full, '/home/me/machine')).toBeInstanceOf(MachineError);
  expect(withoutRoom(full, '/home/me/machine')).toMatchObject({ hint: expect.stringContaining('/home/me/machine') });
  const other = new Error('other');
  expect(withoutRoom(other, '/x')).toBe(other);
});
