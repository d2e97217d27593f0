import { mkdirSync } from 'node:fs';
import type { MachineSettings, MachineStatus, SettingsOutcome } from '../contract/machine.ts';
import { pause } from '../host/signals.ts';
import { changeSettings } from './change-settings.ts';
import { ask, askMany, demand } from './control.ts';
import type { MachinePaths } from './paths.ts';
import { currentStatus } from './status.ts';

/** Milliseconds between looks at what is kept while nobody holds the machine. */
const LOOK = 400;

/** From the process that holds the machine, memory and disk measured; without one, what the last one left. */
export async function machineStatus(paths: MachinePaths): Promise<MachineStatus> {
  const answer = await ask(paths.control, { verb: 'status' });
  return (answer?.ok ? answer.status : undefined) ?? currentStatus(paths);
}

/** First the present state, then each change, whoever holds the machine. `idle` gives the state while nobody does. */
export async function* watchMachine(
  paths: MachinePaths,
  signal: AbortSignal,
  idle: () => Promise<MachineStatus> = () => currentStatus(paths),
): AsyncGenerator<MachineStatus> {
  let told = '';
  const isNew = (status: MachineStatus) => {
    const text = JSON.stringify(status);
    const differs = text !== told;
    told = text;
    return differs;
  };
  while (!signal.aborted) {
    for await (const answer of askMany(paths.control, { verb: 'watch' }, signal))
      if (answer.ok && answer.status && isNew(answer.status)) yield answer.status;
    if (signal.aborted) return;
    const status = await idle();
    if (isNew(status)) yield status;
    await pause(LOOK, signal);
  }
}

/** Keeps the change; a machine that runs takes over what it can. Throws a MachineError when it is none that a machine can have. */
export async function setMachine(paths: MachinePaths, change: Partial<MachineSettings>): Promise<SettingsOutcome> {
  const answer = await demand(paths.control, { verb: 'settings', change });
  if (answer?.outcome) return answer.outcome;
  mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  return (await changeSettings(paths, change, {}, undefined)).outcome;
}
