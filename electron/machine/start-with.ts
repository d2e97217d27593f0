import { writeFileSync } from 'node:fs';
import type { FolderReport, MachineSettings, MachineStatus } from '../contract/machine.ts';
import { startNewest } from './image-history.ts';
import type { MachineImage } from './image.ts';
import { KeptStartFailed, startMachine, type Machine } from './machine.ts';
import type { MachinePaths } from './paths.ts';
import { createQemuDriver } from './qemu-driver.ts';
import { endOrphan } from './orphan.ts';
import type { Readiness } from './readiness.ts';
import { serveFolders } from './serve-folders.ts';
import { effectiveFolders } from './settings.ts';
import { MachineError } from './types.ts';

/** A machine and what goes with it: `release` ends the programs that serve its folders, once it has ended. */
export interface HeldMachine extends Machine {
  /** what the user should know of how it runs */
  readonly warnings: readonly string[];
  readonly folders: readonly FolderReport[];
  release(): void;
}

const mounted = (report: FolderReport, why: string | undefined): FolderReport =>
  why === undefined || report.state === 'failed' ? report : { ...report, state: 'failed', error: why, notify: 'none' };

/**
 * Under emulation with several processors, the kernel now and then meets its own half-patched code (an int3 where an instruction was
 * replaced on the other processor) when this host is busy, and stops. It is started once more; the data disk has a journal.
 */
const isEmulatorsPanic = (error: unknown) =>
  error instanceof MachineError && /the guest's kernel stopped|the machine ended while it started/.test(error.message);

/** All that a start takes: the driver, the image checked, the folders served; then the machine. */
export async function startWith(
  paths: MachinePaths,
  image: string,
  settings: MachineSettings,
  readiness: Readiness,
  signal: AbortSignal,
  tell: (change: Partial<MachineStatus>) => void,
): Promise<HeldMachine> {
  await endOrphan(paths);
  const driver = await createQemuDriver(paths.log);
  tell({ driver: driver.name, accelerator: driver.accelerator, warnings: [...driver.warnings] });

  const warned: string[] = [];
  /** With the folders served anew: the programs that serve them end with the machine. */
  const once = async (opened: MachineImage): Promise<HeldMachine> => {
    readiness.again();
    writeFileSync(paths.folderLog, '', { mode: 0o600 });
    const places = { run: paths.run, log: paths.folderLog };
    const served = await serveFolders(driver.capabilities.sharedFolders, effectiveFolders(settings.folders), places);
    tell({ folders: served.reports });
    try {
      const warn = (warning: string) => warned.push(warning);
      const options = { paths, image: opened, settings, driver, readiness, signal, shares: served.shares, warn };
      const machine = await startMachine(options);
      const folders = served.reports.map((report, index) => mounted(report, machine.unshared.get(`share${index}`)));
      tell({ folders });
      return { ...machine, warnings: driver.warnings, folders, release: served.close };
    } catch (error) {
      served.close();
      throw error;
    }
  };
  const attempt = (opened: MachineImage) =>
    once(opened).catch((error: unknown) => {
      if (error instanceof KeptStartFailed && !signal.aborted)
        warned.push(`${error.message}. The machine booted instead.`);
      else if (driver.capabilities.accelerated || !isEmulatorsPanic(error)) throw error;
      return once(opened);
    });
  const { result, image: used, warning } = await startNewest(paths, image, attempt, { signal });
  const warnings = [...driver.warnings, ...warned, ...(warning === undefined ? [] : [warning])];
  tell({ image: used.name, imageVersion: used.version, imageDigest: used.digest, warnings });
  return { ...result, warnings };
}
