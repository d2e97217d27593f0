import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMachineControl } from './machine-control.ts';
import { machinePaths, type MachinePaths } from './paths.ts';
import type { MachineControl } from './types.ts';

// The real processes that hold a machine, each in its own; no guest is started.
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
let home: string;
let paths: MachinePaths;
let shared: number;
const controls: MachineControl[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'berth-holder-'));
  paths = machinePaths({ BERTH_MACHINE_HOME: home });
  shared = 0;
  controls.length = 0;
  for (let index = 0; index < 3; index++)
    controls.push(
      createMachineControl({
        paths,
        command: ['--disable-warning=ExperimentalWarning', MAIN],
        env: { ...process.env, BERTH_MACHINE_HOME: home },
        image: () => Promise.resolve(join(home, 'no-image')),
        shared: () => shared++,
      }),
    );
});
afterEach(async () => {
  await controls[0]?.kill();
  await expect.poll(holders, { timeout: 10_000 }).toEqual([]); // one that failed ends by itself
  rmSync(home, { recursive: true });
});

/** Processes that hold this machine: the image's folder is on their command line. */
function holders(): number[] {
  const isHolder = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(home, 'no-image'));
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isHolder(name))
    .map(Number);
}

it('of those that begin at once, one holds the machine and the others find it, also after it was killed', async () => {
  for (let round = 0; round < 2; round++) {
    await Promise.all(controls.map((control) => control.wait()));
    await expect.poll(holders).toHaveLength(1);
    const { state, pid = 0 } = await (controls[0] as MachineControl).status();
    expect({ state, pid }).toEqual({ state: 'waiting', pid: holders()[0] });
    if (round === 0) process.kill(pid, 'SIGKILL'); // its sockets stay
  }
  expect(shared).toBeGreaterThan(0);
});

it('starts at once that fail are told of the same failure', async () => {
  const outcomes = await Promise.allSettled(controls.slice(0, 2).map((control) => control.start()));
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('has no image') } });
});
