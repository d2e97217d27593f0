import type { MachineSetting, MachineSettings, SettingsOutcome } from '../contract/machine.ts';
import type { Machine } from './machine.ts';
import type { MachinePaths } from './paths.ts';
import { readSettings, writeSettings } from './settings.ts';
import { runOver } from '../engine/ssh-exec.ts';
import { MachineError, RESTART_SETTINGS } from './types.ts';

const GIB = 2 ** 30;
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Keeps the change, and applies of it what a running machine can take over; `pending` is what differs from `inForce` after that. Throws a
 * MachineError, and keeps nothing, when the change is none that a machine can have.
 */
export async function changeSettings(
  paths: MachinePaths,
  change: Partial<MachineSettings>,
  inForce: Partial<MachineSettings>,
  machine: Pick<Machine, 'process' | 'ssh'> | undefined,
): Promise<{ outcome: SettingsOutcome; pending: MachineSetting[] }> {
  const before = readSettings(paths);
  const settings = writeSettings(paths, change);
  const changed = (Object.keys(change) as MachineSetting[]).filter((name) => !same(before[name], settings[name]));
  if (machine && settings.disk > before.disk) await growDisk(machine, settings.disk);
  const pending = machine ? RESTART_SETTINGS.filter((name) => !same(inForce[name], settings[name])) : [];
  const applied = changed.filter((name) => !pending.includes(name));
  return { outcome: { settings, applied, needsRestart: pending }, pending };
}

/** While it runs: the disk's file, then the file system on it, which ext4 does while it is mounted. */
async function growDisk({ process, ssh }: Pick<Machine, 'process' | 'ssh'>, gibibytes: number): Promise<void> {
  await process.growDisk(gibibytes * GIB);
  const { code, stderr } = await runOver(await ssh.client(), '/usr/sbin/resize2fs /dev/vdb </dev/null');
  if (code !== 0)
    throw new MachineError(
      `the file system of the machine did not grow: ${stderr.trim()}`,
      'it is tried again at the next start: berth machine restart',
    );
}
