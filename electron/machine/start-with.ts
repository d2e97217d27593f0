import { writeFileSync } from 'node:fs';
import type { FolderReport, MachineSettings, MachineStatus } from '../contract/machine.ts';
import { openImage } from './image.ts';
import { startMachine, type Machine } from './machine.ts';
import type { MachinePaths } from './paths.ts';
import { createQemuDriver } from './qemu-driver.ts';
import { endOrphan } from './qmp.ts';
import type { Readiness } from './readiness.ts';
import { effectiveFolders } from './settings.ts';
import { serveFolders } from './virtiofs.ts';

/** A machine and what goes with it: `release` ends the programs that serve its folders, once it has ended. */
export interface HeldMachine extends Machine {
  release(): void;
}

const mounted = (report: FolderReport, why: string | undefined): FolderReport =>
  why === undefined || report.state === 'failed' ? report : { ...report, state: 'failed', error: why, notify: 'none' };

/** All that a start takes: the driver, the image checked, the folders served; then the machine. */
export async function startWith(
  paths: MachinePaths,
  image: string,
  settings: MachineSettings,
  readiness: Readiness,
  signal: AbortSignal,
  tell: (change: Partial<MachineStatus>) => void,
): Promise<HeldMachine> {
  await endOrphan(paths.monitor);
  const [driver, opened] = await Promise.all([createQemuDriver(paths.log), openImage(image, paths.stamps)]);
  writeFileSync(paths.folderLog, '', { mode: 0o600 });
  const served = await serveFolders(effectiveFolders(settings.folders), paths.run, paths.folderLog);
  tell({
    driver: driver.name,
    accelerator: driver.accelerator,
    warnings: [...driver.warnings],
    folders: served.reports,
  });
  try {
    const machine = await startMachine({
      paths,
      image: opened,
      settings,
      driver,
      readiness,
      signal,
      shares: served.shares,
    });
    tell({ folders: served.reports.map((report, index) => mounted(report, machine.unshared.get(`share${index}`))) });
    return { ...machine, release: served.close };
  } catch (error) {
    served.close();
    throw error;
  }
}
