import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MachinePaths } from './paths.ts';
import { MachineGone, qmp } from './qmp.ts';
import { askToPowerOff, connect, machineKey } from './ssh.ts';

const execute = promisify(execFile);

const PATIENCE = 20_000;
/** Milliseconds that QEMU has to end when it is told to. */
const END = 5_000;

/** Ends a machine whose holder was killed: asked first, as any other, so that what is in its memory gets to its disk. Fine when there is none. */
export async function endOrphan(paths: MachinePaths, patience = PATIENCE, platform = process.platform): Promise<void> {
  if (platform === 'win32') return killOrphan(paths.monitor);
  if (!(await lives(paths.monitor))) return;
  if (patience > 0) {
    await Promise.race([askToEnd(paths).catch(() => undefined), sleep(patience / 2)]);
    if (await ends(paths.monitor, patience / 2)) return;
  }
  await qmp(paths.monitor, { execute: 'quit' }).catch(() => undefined);
  await ends(paths.monitor, END);
}

/** Windows: its monitor has gone with its holder. The pid may be another program's by now. */
export async function killOrphan(pidFile: string, run: typeof execute = execute): Promise<void> {
  const pid = Number(existsSync(pidFile) ? readFileSync(pidFile, 'utf8') : 0);
  if (!Number.isInteger(pid) || pid <= 0) return;
  const { stdout } = await run('tasklist', ['/fi', `pid eq ${pid}`, '/fo', 'csv', '/nh']).catch(() => ({ stdout: '' }));
  if (/^"qemu-system-[^"]*"/m.test(stdout)) await run('taskkill', ['/f', '/pid', String(pid)]).catch(() => undefined);
  rmSync(pidFile, { force: true });
}

async function askToEnd({ monitor, key, hostKey }: MachinePaths): Promise<void> {
  const port = await sshPortOf(monitor);
  if (port === undefined || !existsSync(key) || !existsSync(hostKey)) return;
  const { privateKey } = machineKey(key);
  const client = await connect({ host: '127.0.0.1', port, privateKey, hostKey: readFileSync(hostKey, 'utf8').trim() });
  await askToPowerOff(client).finally(() => client.end());
}

/** From a line of "info usernet": TCP[HOST_FORWARD]  14  127.0.0.1 40123  10.0.2.15 22  0 0 */
async function sshPortOf(monitor: string): Promise<number | undefined> {
  const command = { execute: 'human-monitor-command', arguments: { 'command-line': 'info usernet' } };
  const [said] = await qmp(monitor, command);
  const found = /HOST_FORWARD\]\s+\S+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+22\s/.exec(String(said));
  return found ? Number(found[1]) : undefined;
}

const lives = (monitor: string): Promise<boolean> =>
  qmp(monitor, { execute: 'query-status' }).then(
    () => true,
    (error: NodeJS.ErrnoException) =>
      !(error instanceof MachineGone) && error.code !== 'ENOENT' && error.code !== 'ECONNREFUSED',
  );

async function ends(monitor: string, patience: number): Promise<boolean> {
  for (const end = performance.now() + patience; performance.now() < end; await sleep(50))
    if (!(await lives(monitor))) return true;
  return false;
}
