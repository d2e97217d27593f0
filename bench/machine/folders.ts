import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOver } from '../../electron/engine/ssh-exec.ts';
import { openImage } from '../../electron/machine/image.ts';
import { startMachine } from '../../electron/machine/machine.ts';
import { machinePaths } from '../../electron/machine/paths.ts';
import { createQemuDriver } from '../../electron/machine/qemu-driver.ts';
import { Readiness } from '../../electron/machine/readiness.ts';
import { serveFolders } from '../../electron/machine/serve-folders.ts';
import { defaultSettings } from '../../electron/machine/settings.ts';
import { buildGuest } from '../../vm-assets/build/main.ts';
import { median } from '../statistics.ts';
import { WORK, type Times } from './folders-work.ts';

/**
 * A folder of the host in the guest, by virtiofs and by 9p, beside the guest's own disk: a large file, and many small ones, as Node in the
 * guest sees them. In one run: a machine for each kind, in which both places are measured in turn.
 *
 *   bin/node24 bench/machine/folders.ts [ROUNDS] [FILES] [MIB]
 */
const [rounds = 3, files = 5_000, mebibytes = 64] = process.argv.slice(2).map(Number);
const NATIVE = '/var/lib/berth/bench';

async function measure(kind: 'virtiofs' | '9p', home: string, shared: string): Promise<Map<string, Times[]>> {
  process.env['BERTH_MACHINE_FOLDERS'] = kind;
  const paths = machinePaths({ BERTH_MACHINE_HOME: home });
  const driver = await createQemuDriver(paths.log);
  const how = driver.capabilities.sharedFolders;
  if (how !== kind) throw new Error(`this host has no ${kind}`);
  const image = await openImage(await buildGuest(), join(home, 'checked.json'));
  const served = await serveFolders(how, [{ path: shared, writable: true }], { run: paths.run, log: paths.folderLog });
  const settings = defaultSettings();
  const { shares } = served;
  const options = { paths, image, settings, driver, readiness: new Readiness(), shares, warn: console.warn };
  const machine = await startMachine({ ...options, signal: new AbortController().signal });
  try {
    const client = await machine.ssh.client();
    await runOver(client, 'while [ ! -e /run/berth/settled ]; do sleep 0.2; done');
    const times = new Map<string, Times[]>();
    for (let round = 0; round < rounds; round++)
      for (const [name, place] of [
        [`disk beside ${kind}`, NATIVE],
        [kind, join(shared, 'bench')],
      ] as const) {
        const { code, stdout, stderr } = await runOver(client, `node - ${place} ${files} ${mebibytes}`, WORK);
        if (code !== 0) throw new Error(stderr);
        times.set(name, [...(times.get(name) ?? []), JSON.parse(stdout) as Times]);
      }
    return times;
  } finally {
    await machine.stop();
    served.close();
  }
}

const home = mkdtempSync(join(tmpdir(), 'berth-b-'));
const shared = mkdtempSync(join(homedir(), '.berth-bench-'));
try {
  const all = [...(await measure('virtiofs', home, shared)), ...(await measure('9p', home, shared))];
  const rows: [string, keyof Times, (value: number) => string][] = [
    [`write ${mebibytes} MiB and flush`, 'write', (value) => `${Math.round(mebibytes / value)} MiB/s`],
    [`read ${mebibytes} MiB, nothing cached`, 'read', (value) => `${Math.round(mebibytes / value)} MiB/s`],
    [`read it again`, 'again', (value) => `${Math.round(mebibytes / value)} MiB/s`],
    [`make ${files} files of 1 KiB`, 'make', (value) => `${value.toFixed(2)} s`],
    [`stat them, nothing cached`, 'stat', (value) => `${value.toFixed(2)} s`],
    [`read them`, 'load', (value) => `${value.toFixed(2)} s`],
    [`remove them`, 'remove', (value) => `${value.toFixed(2)} s`],
  ];
  const line = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`);
  line(['What', ...all.map(([name]) => name)]);
  line(['---', ...all.map(() => '---')]);
  for (const [what, key, shown] of rows)
    line([what, ...all.map(([, times]) => shown(median(times.map((each) => each[key]))))]);
} finally {
  await rm(home, { recursive: true, force: true });
  await rm(shared, { recursive: true, force: true });
}
