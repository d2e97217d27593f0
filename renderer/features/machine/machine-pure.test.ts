import { describe, expect, test } from 'vitest';
import { STEPS, type MachineSettings, type StepReport } from '../../../electron/contract/machine.ts';
import { diskParts, driverWords, memoryParts, seconds, settingList, waterfall } from './describe.ts';
import { readForm, toForm } from './settings-form.ts';

const steps = (...times: (number | undefined)[]): StepReport[] =>
  STEPS.map((step, index) => (times[index] === undefined ? { step } : { step, at: times[index] }));

describe('the waterfall', () => {
  test('each step begins where the one before ended, and they fill the whole', () => {
    const rows = waterfall(steps(100, 200, 400, 400, 400, 800, 1000), 'running');
    expect(rows.map(({ from, width }) => [from, width])).toEqual([
      [0, 0.1],
      [0.1, 0.1],
      [0.2, 0.2],
      [0.4, 0],
      [0.4, 0],
      [0.4, 0.4],
      [0.8, 0.2],
    ]);
    expect(rows.map(({ took }) => took)).toEqual([100, 100, 200, 0, 0, 400, 200]);
  });

  test('while it starts, only the first open step grows', () => {
    const rows = waterfall(steps(100, 300), 'starting', 1000);
    expect(rows.map(({ state }) => state)).toEqual(['done', 'done', 'doing', 'ahead', 'ahead', 'ahead', 'ahead']);
    expect(rows[2]).toMatchObject({ from: 0.3, width: 0.7 });
  });

  test('a failed step says why and what to do; nothing after it goes on', () => {
    const failed = steps(100, 300).map((row) =>
      row.step === 'init' ? { step: row.step, error: 'panic', hint: 'build it again' } : row,
    );
    const rows = waterfall(failed, 'failed');
    expect(rows[2]).toMatchObject({ state: 'failed', error: 'panic', hint: 'build it again' });
    expect(rows.slice(3).every(({ state }) => state === 'ahead')).toBe(true);
  });

  test('nothing reached is no division by nought', () => {
    expect(waterfall(steps(), 'stopped').every(({ from, width }) => from === 0 && width === 0)).toBe(true);
  });
});

describe('the pictures', () => {
  test('the parts of the memory add up to what the guest was given', () => {
    const memory = { total: 1000, containers: 300, engine: 100, cache: 250, kernel: 50, free: 300, host: 700 };
    expect(memoryParts(memory).reduce((sum, { bytes }) => sum + bytes, 0)).toBe(memory.total);
  });

  test('the parts of the disk add up to its size, also when the file is smaller than what is used', () => {
    for (const host of [20, 50, 90]) {
      const disk = { size: 100, used: 50, host, hostFree: 1000 };
      expect(diskParts(disk).reduce((sum, { bytes }) => sum + bytes, 0)).toBe(100);
    }
  });

  test('words', () => {
    expect([seconds(41), seconds(1234)]).toEqual(['41 ms', '1.23 s']);
    expect(settingList(['cpus', 'memory', 'folders', 'cpus'])).toBe('CPUs, memory and shared folders');
    expect(settingList([])).toBe('');
    expect(driverWords({ driver: 'qemu', accelerator: 'tcg' })).toBe('QEMU, emulated');
    expect(driverWords({ driver: 'qemu', accelerator: 'kvm' })).toBe('QEMU with KVM');
  });
});

describe('the form of the settings', () => {
  const kept: MachineSettings = {
    cpus: 2,
    memory: 2048,
    disk: 64,
    folders: [{ path: '~', writable: true }],
    start: 'manual',
    idleMinutes: 0,
  };
  const host = { cpus: 4, memory: 8000, linux: true };

  test('gives what differs and nothing else', () => {
    expect(readForm(toForm(kept), kept, host)).toEqual({ change: {}, problems: {} });
    const form = { ...toForm(kept), cpus: ' 4 ', disk: '65', start: 'demand' as const };
    expect(readForm(form, kept, host)).toEqual({ change: { cpus: 4, disk: 65, start: 'demand' }, problems: {} });
  });

  test('a folder without a path is none', () => {
    const form = toForm(kept);
    form.folders.push({ path: ' ', writable: true });
    expect(readForm(form, kept, host).change).toEqual({});
    form.folders.push({ path: ' /srv ', writable: false });
    expect(readForm(form, kept, host).change.folders).toEqual([...kept.folders, { path: '/srv', writable: false }]);
  });

  test.each([
    ['cpus', '5'],
    ['cpus', '0'],
    ['cpus', '1.5'],
    ['memory', '511'],
    ['memory', 'much'],
    ['memory', ''],
    ['disk', '63'],
    ['disk', '-1'],
    ['idleMinutes', '10081'],
  ] as const)('%s of "%s" is refused beside its field', (name, value) => {
    const { change, problems } = readForm({ ...toForm(kept), [name]: value }, kept, host);
    expect(Object.keys(problems)).toEqual([name]);
    expect(change).toEqual({});
  });

  test('a path that is not whole is refused', () => {
    const form = { ...toForm(kept), folders: [{ path: 'project', writable: true }] };
    expect(Object.keys(readForm(form, kept, host).problems)).toEqual(['folders']);
  });
});
