import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConsoleUpdate } from '../contract/machine.ts';
import { until } from '../testing/connect.ts';
import { followFile } from './follow-file.ts';
import { CommandLineMachine, spoken } from './machine-control.ts';

const home = mkdtempSync(join(tmpdir(), 'berth-mc-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

// The real process that holds a machine, with an image that is none: it fails at the first step and says why.
describe('the machine through its command', () => {
  const empty = mkdtempSync(join(home, 'image-'));
  const machine = new CommandLineMachine({
    ...process.env,
    BERTH_MACHINE_HOME: home,
    BERTH_MACHINE_IMAGE: empty,
    BERTH_SOURCE: '1',
  });

  it('a start that fails tells what, at which step, and what to do; the state says the same', async () => {
    const stop = new AbortController();
    const states: string[] = [];
    const watching = (async () => {
      for await (const { state } of machine.watch(stop.signal)) states.push(state);
    })();
    await expect.poll(() => states).toEqual(['stopped']);
    await expect(machine.start()).rejects.toMatchObject({
      name: 'MachineError',
      message: expect.stringContaining('has no image'),
      hint: 'build it: berth machine build',
      step: 'process',
    });
    const status = await machine.status();
    expect(status.state).toBe('failed');
    expect(status.steps[0]).toMatchObject({ step: 'process', error: expect.stringContaining('has no image') });
    await expect.poll(() => states.at(-1)).toBe('failed');
    expect(states).toContain('starting');
    stop.abort();
    await watching;
  });

  it('what does not run is stopped already', async () => {
    expect(await machine.stop()).toBe('not running');
    await machine.reset();
    expect((await machine.status()).state).toBe('stopped');
  });

  it('keeps settings, and refuses those that no machine can have', async () => {
    const { disk } = await machine.settings();
    const outcome = await machine.setSettings({ disk: disk + 1 });
    expect(outcome).toMatchObject({ settings: { disk: disk + 1 }, applied: ['disk'], needsRestart: [] });
    await expect(machine.setSettings({ cpus: 0 })).rejects.toMatchObject({
      message: 'the machine cannot have 0 processors',
    });
    writeFileSync(join(home, 'data.raw'), '');
    truncateSync(join(home, 'data.raw'), (disk + 1) * 2 ** 30);
    await expect(machine.setSettings({ disk })).rejects.toMatchObject({ message: expect.stringContaining('shrink') });
    expect((await machine.settings()).disk).toBe(disk + 1);
  });

  it('tells what is being prepared, and gives that up when it is ended', async () => {
    const command = join(home, 'slow');
    const script = '#!/bin/sh\n[ "$2" = start ] || exit 0\necho "base: fetching packages" >&2\nexec sleep 60\n';
    writeFileSync(command, script, { mode: 0o755 });
    const slow = new CommandLineMachine(
      { ...process.env, BERTH_MACHINE_HOME: join(home, 'slow-home') },
      { program: command, args: ['machine'], env: {} },
    );
    const starting = slow.start().catch((error: Error) => error.name);
    await until(slow.watch(new AbortController().signal), ({ progress }) => progress === 'base: fetching packages');
    expect((await slow.glance()).state).toBe('starting');
    await slow.kill();
    expect(await starting).toBe('MachineError');
    expect((await slow.glance()).state).toBe('stopped');
  });

  it('reads the words of the command', () => {
    const errors = 'base: fetching\nberth machine: x is missing\n  what to do: install it\n';
    expect(spoken({ code: 1, errors })).toMatchObject({ message: 'x is missing', hint: 'install it' });
    expect(spoken({ code: 7, errors: '' }).message).toContain('7');
  });
});

describe('following a file', () => {
  const path = join(home, 'console.log');
  let stop: AbortController;
  beforeEach(() => (stop = new AbortController()));
  afterEach(() => stop.abort());
  const lines = (update: ConsoleUpdate) => (update.kind === 'lines' ? update.lines : []);

  it('gives what is there, what comes, and begins anew with a new file', async () => {
    const stream = followFile(path, stop.signal);
    const next = async () => (await stream.next()).value as ConsoleUpdate;
    expect(await next()).toEqual({ kind: 'caughtUp' }); // nothing there yet
    writeFileSync(path, 'one\r\ntwo\nhal');
    expect(await next()).toEqual({ kind: 'begin' });
    expect(await next()).toEqual({ kind: 'lines', lines: ['one', 'two'] });
    appendFileSync(path, 'f\n');
    expect(await next()).toEqual({ kind: 'lines', lines: ['half'] });
    renameSync(path, `${path}.1`);
    writeFileSync(path, 'again\n');
    expect(await next()).toEqual({ kind: 'begin' });
    expect(await next()).toEqual({ kind: 'lines', lines: ['again'] });
    writeFileSync(path, 'x\n'); // cut and written
    expect(await next()).toEqual({ kind: 'begin' });
    expect(await next()).toEqual({ kind: 'lines', lines: ['x'] });
    await stream.return(undefined);
  });

  it('sends a long one in pieces, whole', async () => {
    const all = Array.from({ length: 30_000 }, (_, index) => `[${index}] something that the kernel says`);
    writeFileSync(path, `${all.join('\n')}\n`);
    const got: string[] = [];
    await until(followFile(path, stop.signal), (update) => {
      got.push(...lines(update));
      return update.kind === 'caughtUp';
    });
    expect(got).toEqual(all);
  });
});
