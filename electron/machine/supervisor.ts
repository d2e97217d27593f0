import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { serveControl, type Verb } from './control.ts';
import { openImage } from './image.ts';
import { startMachine, type Machine } from './machine.ts';
import type { MachinePaths } from './paths.ts';
import { createQemuDriver } from './qemu-driver.ts';
import { endOrphan } from './qmp.ts';
import { Readiness } from './readiness.ts';
import { readSettings } from './settings.ts';
import { writeStatus } from './status.ts';
import type { MachineStatus } from '../contract/machine.ts';
import type { MachineDriver } from './types.ts';

/**
 * Holds the machine for as long as it runs: QEMU, the SSH connection, the socket on the host. Writes what happens into the status
 * file, takes `stop` on the control socket, and gives the exit code.
 */
export async function superviseMachine(paths: MachinePaths, image: string): Promise<number> {
  mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  mkdirSync(paths.run, { recursive: true, mode: 0o700 });
  let machine: Machine | undefined;
  let asked: Promise<string> | undefined;
  let settled = () => {};
  const ready = new Promise<void>((done) => (settled = done));
  const stop = async (verb: Verb): Promise<string> => {
    await ready;
    if (machine === undefined) return 'stopped';
    tell({ state: 'stopping' });
    return verb === 'kill' ? machine.stop(0) : machine.stop();
  };
  const handle = (verb: Verb) => (verb === 'ping' ? Promise.resolve(String(process.pid)) : (asked ??= stop(verb)));
  const control = await serveControl(paths.control, handle);
  process.on('SIGTERM', () => void (asked ??= stop('stop')));
  process.on('SIGINT', () => void (asked ??= stop('stop')));

  const settings = readSettings(paths);
  const readiness = new Readiness(() => tell({}));
  let status: MachineStatus = {
    state: 'starting',
    socket: paths.socket,
    pid: process.pid,
    image,
    settings,
    steps: readiness.report(),
    warnings: [],
    console: paths.console,
  };
  const tell = (change: Partial<MachineStatus>) => {
    status = { ...status, ...change, steps: readiness.report() };
    writeStatus(paths, status);
  };
  const about = (driver: MachineDriver) => ({
    driver: driver.name,
    accelerator: driver.accelerator,
    warnings: [...driver.warnings],
  });
  tell({});
  try {
    await endOrphan(paths.monitor);
    const [driver, opened] = await Promise.all([createQemuDriver(paths.log), openImage(image, paths.stamps)]);
    tell(about(driver));
    machine = await startMachine({ paths, image: opened, settings, driver, readiness });
    tell({ state: 'running', sshPort: machine.sshPort });
    settled();
    const why = await machine.process.exited;
    // the answer to who asked is on its way when QEMU ends
    await asked;
    tell(asked ? { state: 'stopped' } : { state: 'failed', error: `the machine ended by itself: ${why}` });
    machine.ssh.close();
    return asked ? 0 : 1;
  } catch (error) {
    readiness.failed(error);
    tell({ state: 'failed', error: error instanceof Error ? error.message : String(error) });
    return 1;
  } finally {
    settled();
    await asked;
    control.close();
    await rm(paths.socket, { force: true });
  }
}
