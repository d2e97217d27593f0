import type { MachineStatus } from '../contract/machine.ts';
import { pause, type Latest } from '../host/signals.ts';
import type { MachinePaths } from './paths.ts';
import { diskWarnings, LOOK, readDisk, readMemory } from './pictures.ts';
import { runOver } from '../engine/ssh-exec.ts';
import type { HeldMachine } from './start-with.ts';

/** Milliseconds between measurements while somebody watches. */
const INTERVAL = 3_000;

type Measured = Pick<MachineStatus, 'memory' | 'disk' | 'warnings'>;

/** The guest's memory and disk, as the guest and this host see them now. */
export async function measure(machine: HeldMachine, paths: MachinePaths): Promise<Measured> {
  const [{ stdout }, host] = await Promise.all([
    machine.ssh.client().then((client) => runOver(client, LOOK)),
    machine.process.residentMemory(),
  ]);
  const disk = readDisk(stdout, paths.data);
  return { memory: readMemory(stdout, host), disk, warnings: [...machine.warnings, ...diskWarnings(disk)] };
}

/** The present status, then each change of it or of what is measured, until `signal`. */
export async function* watchMeasured(
  board: Latest<MachineStatus>,
  look: () => Promise<Partial<Measured>>,
  signal: AbortSignal,
): AsyncGenerator<MachineStatus> {
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const measuring = async () => {
    for (; !both.aborted; await pause(INTERVAL, both))
      if (board.value.state === 'running') board.set({ ...board.value, ...(await look()) });
  };
  void measuring();
  try {
    yield* board.watch(both);
  } finally {
    over.abort();
  }
}
