import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startMachine } from './machine.ts';
import { machinePaths, type MachinePaths } from './paths.ts';
import { Readiness } from './readiness.ts';
import { defaultSettings } from './settings.ts';
import type { MachineDriver, MachineProcess } from './types.ts';

// The failures of a start that take no guest: a driver of the test's own.
let paths: MachinePaths;
beforeEach(() => (paths = machinePaths({ BERTH_MACHINE_HOME: mkdtempSync(join(tmpdir(), 'berth-start-')) })));
afterEach(() => rmSync(paths.home, { recursive: true }));

/** `said`: what the guest writes on its console. */
function start(process: Partial<MachineProcess>, said = '') {
  const ended: string[] = [];
  const whole: MachineProcess = {
    pid: 1,
    exited: new Promise(() => undefined),
    kill: () => Promise.resolve(void ended.push('killed')),
    begin: () => Promise.resolve(),
    keepStart: () => Promise.reject(new Error('not asked for')),
    forward: () => Promise.resolve(),
    unforward: () => Promise.resolve(),
    growDisk: () => Promise.resolve(),
    standstill: () => Promise.resolve(undefined),
    resume: () => Promise.resolve(void ended.push('resumed')),
    residentMemory: () => Promise.resolve({ all: 0 }),
    ...process,
  };
  const driver: MachineDriver = {
    name: 'none',
    accelerator: 'none',
    capabilities: {
      accelerated: true,
      reclaimsMemory: true,
      growsDisk: true,
      sharedFolders: 'none',
      keepsStarts: false,
    },
    warnings: [],
    startKey: () => '',
    start: ({ files }) => {
      writeFileSync(files.console, said);
      return Promise.resolve(whole);
    },
  };
  const readiness = new Readiness();
  const image = { name: 'i', version: '1', digest: 'd', kernel: 'k', initrd: 'i', root: 'r' };
  const signal = new AbortController().signal;
  const options = {
    paths,
    image,
    settings: defaultSettings(),
    driver,
    readiness,
    shares: [],
    signal,
    patience: 20_000,
    warn: () => undefined,
  };
  return { ended, failure: startMachine(options).catch((error: unknown) => error) };
}

it('a guest that finds no room on this host at its start is given up at once, with what to do', async () => {
  const { ended, failure } = start(
    { standstill: () => Promise.resolve('no-room') },
    'berth: step init 1.0\nberth: step prepared 1.1\n',
  );
  expect(await failure).toMatchObject({
    message: expect.stringContaining('The disk of this computer is full'),
    hint: expect.stringContaining('Free some room'),
    step: 'mounted',
  });
  expect(ended).toEqual(['killed']);
});

it('a guest whose data disk is no file system of its own says so, and what can be done', async () => {
  const { failure } = start(
    {},
    'berth: step init 1.0\nberth: step prepared 1.1\nberth: failed data: the data disk has something else on it\n',
  );
  expect(await failure).toMatchObject({
    message: 'the data disk has something else on it',
    hint: expect.stringContaining('berth machine reset'),
    step: 'mounted',
  });
});

it('a program that ends while the machine starts is told with what it said', async () => {
  const { failure } = start({ exited: Promise.resolve('no such processor') });
  expect(await failure).toMatchObject({ message: expect.stringContaining('no such processor'), step: 'kernel' });
  expect(existsSync(paths.data)).toBe(true);
});
