import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, truncate } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { promisify } from 'node:util';
import { keepState } from './kept-state.ts';
import { beginningLine, type Device } from './qemu-arguments.ts';
import type { Monitor } from './qmp.ts';
import type { HostForward, MachineConfig, MachineProcess, ResidentMemory } from './types.ts';

const run = promisify(execFile);

const ruleOf = ({ protocol, hostAddress, hostPort }: HostForward) => `${protocol}:${hostAddress}:${hostPort}`;

/** What a started QEMU can be asked, through its monitor. */
export function qemuProcess(
  pid: number,
  exited: Promise<string>,
  monitor: Monitor,
  config: MachineConfig,
  /** what the guest gets when it begins */
  devices: readonly Device[],
  kill: () => Promise<void>,
): MachineProcess {
  const { files, memory } = config;
  return {
    pid,
    exited,
    kill,
    async begin(beginning, signal) {
      for (const device of devices) await monitor.run({ execute: 'device_add', arguments: device });
      await tell(files.begin, beginningLine(config, beginning, randomBytes(32).toString('hex')), signal);
      await monitor.run({ execute: 'cont' });
    },
    keepStart: (directory) => keepState(monitor, pid, directory),
    async forward(rule) {
      const said = await monitor.human(`hostfwd_add n0 ${ruleOf(rule)}-:${rule.guestPort}`);
      if (said !== '') throw new Error(said);
    },
    async unforward(rule) {
      await monitor.human(`hostfwd_remove n0 ${ruleOf(rule)}`);
    },
    async growDisk(size) {
      await truncate(files.data, size);
      await monitor.run({ execute: 'block_resize', arguments: { device: 'data', size } });
    },
    async standstill() {
      // "io-error": QEMU stopped the guest when a write found no room, and repeats the write after `cont`
      const { status } = (await monitor.run({ execute: 'query-status' })) as { status: string };
      if (status !== 'io-error') return undefined;
      const disks = (await monitor.run({ execute: 'query-block' })) as { 'io-status'?: string }[];
      return disks.some((disk) => disk['io-status'] === 'nospace') ? 'no-room' : 'io-error';
    },
    async resume() {
      await monitor.run({ execute: 'cont' });
    },
    residentMemory: () => residentMemory(pid, memory),
  };
}

/** Over the guest's port. The connection stays until `signal`: what the guest has not read yet goes with it. */
function tell(port: string, line: string, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const connection = createConnection(port, () => connection.write(`${line}\n`, () => done()));
    connection.on('error', fail);
    signal.addEventListener('abort', () => connection.destroy(), { once: true });
  });
}

/** Linux: the memory shared with the folders' server counts once, as this process's. */
async function residentMemory(pid: number, mebibytes: number): Promise<ResidentMemory> {
  if (process.platform === 'linux') {
    const [status, maps] = await Promise.all(
      ['status', 'smaps'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
    );
    const all = Number(/^VmRSS:\s+(\d+) kB/m.exec(status ?? '')?.[1] ?? 0) * 1024;
    const guest = guestResident(maps ?? '', mebibytes);
    return guest === undefined ? { all } : { all, guest };
  }
  if (process.platform === 'win32') {
    const { stdout } = await run('tasklist', ['/fi', `pid eq ${pid}`, '/fo', 'csv', '/nh']);
    return { all: Number(/"([\d.,]+) K"/.exec(stdout)?.[1]?.replace(/\D/g, '') ?? 0) * 1024 };
  }
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)]);
  return { all: Number(stdout.trim()) * 1024 };
}

/** Of /proc/PID/smaps: the one mapping that has exactly the guest's size. */
export function guestResident(smaps: string, mebibytes: number): number | undefined {
  const found = new RegExp(`^Size:\\s+${mebibytes * 1024} kB\\n(?:\\w+:.*\\n)*?Rss:\\s+(\\d+) kB`, 'm').exec(smaps);
  return found ? Number(found[1]) * 1024 : undefined;
}
