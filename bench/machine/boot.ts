import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { followConsole } from '../../electron/machine/console.ts';
import { openImage, type MachineImage } from '../../electron/machine/image.ts';
import { prepareDisk, startMachine } from '../../electron/machine/machine.ts';
import { machinePaths } from '../../electron/machine/paths.ts';
import { createQemuDriver } from '../../electron/machine/qemu-driver.ts';
import { Readiness } from '../../electron/machine/readiness.ts';
import { defaultSettings } from '../../electron/machine/settings.ts';
import { runOver } from '../../electron/engine/ssh-exec.ts';
import { type MachineDriver } from '../../electron/machine/types.ts';
import { type StepReport } from '../../electron/contract/machine.ts';
import { buildGuest } from '../../vm-assets/build/main.ts';
import { median } from '../statistics.ts';
import { idleInitrd } from './idle-init.ts';

/**
 * How long the guest takes from QEMU's start to an answer of `GET /_ping` on the host's socket, beside what the same kernel takes, with
 * the same QEMU, to reach an init that does nothing. One after the other, in turn, so that both see the same machine.
 *
 *   bin/node24 bench/machine/boot.ts [ROUNDS] [IMAGE]
 */
const AIM = 2.2;

async function idle(driver: MachineDriver, image: MachineImage, home: string): Promise<number> {
  const paths = machinePaths({ BERTH_MACHINE_HOME: home });
  const initrd = join(home, 'idle-initrd');
  writeFileSync(initrd, idleInitrd());
  await rm(paths.console, { force: true });
  prepareDisk(paths.data, defaultSettings().disk);
  const over = new AbortController();
  const begun = performance.now();
  const files = {
    ...image,
    initrd,
    data: paths.data,
    console: paths.console,
    monitor: paths.monitor,
    begin: paths.begin,
  };
  const { cpus, memory } = defaultSettings();
  const rest = { sshPort: 1, shares: [], beginning: { publicKey: 'none', environment: {} } };
  const process = await driver.start({ cpus, memory, files, ...rest });
  const reached = new Promise<number>((done) => {
    void followConsole(paths.console, over.signal, (event) => {
      if (event.kind === 'step') done(performance.now() - begun);
    });
  });
  const time = await Promise.race([reached, sleep(60_000, NaN, { ref: false })]);
  over.abort();
  await process.kill();
  return time;
}

/** `settle`: not stopped before the guest has done what it does once. */
async function whole(driver: MachineDriver, image: MachineImage, home: string, settle = false): Promise<StepReport[]> {
  const paths = machinePaths({ BERTH_MACHINE_HOME: home });
  const readiness = new Readiness();
  const machine = await startMachine({
    ...{ paths, image, settings: defaultSettings(), driver, readiness },
    ...{ shares: [], signal: new AbortController().signal, warn: console.warn },
  });
  if (settle) {
    const client = await machine.ssh.client();
    await runOver(client, 'while [ ! -e /run/berth/settled ]; do sleep 0.2; done');
  }
  await machine.stop();
  return readiness.report();
}

const rounds = Number(process.argv[2] ?? 7);
const home = mkdtempSync(join(tmpdir(), 'berth-b-'));
try {
  const driver = await createQemuDriver(join(home, 'qemu.log'));
  const image = await openImage(process.argv[3] ?? (await buildGuest()), join(home, 'checked.json'));
  const first = await whole(driver, image, home, true); // the data disk is made
  const times = { idle: [] as number[], whole: [] as number[] };
  const steps = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    times.idle.push(await idle(driver, image, home));
    const report = await whole(driver, image, home);
    for (const { step, at = NaN } of report) steps.set(step, [...(steps.get(step) ?? []), at]);
    times.whole.push(report.at(-1)?.at ?? NaN);
  }
  const ratio = median(times.whole) / median(times.idle);
  const seconds = (values: readonly number[]) => `${(median(values) / 1000).toFixed(2)} s`;
  console.log(`accelerator ${driver.accelerator}, ${rounds} rounds, medians`);
  console.log(`an init that does nothing   ${seconds(times.idle)}`);
  console.log(`_ping on the host's socket  ${seconds(times.whole)}`);
  console.log(`  first start of all        ${seconds([first.at(-1)?.at ?? NaN])}`);
  for (const [step, values] of steps) console.log(`  ${step.padEnd(10)} ${seconds(values)}`);
  console.log(`ratio ${ratio.toFixed(2)} (aim: at most ${AIM}): ${ratio <= AIM ? 'reached' : 'NOT reached'}`);
} finally {
  await rm(home, { recursive: true, force: true });
}
