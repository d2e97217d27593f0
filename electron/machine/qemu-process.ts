import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, truncate } from 'node:fs/promises';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { beginningLine, type Device } from './qemu-arguments.ts';
import type { Monitor } from './qmp.ts';
import type { HostForward, MachineConfig, MachineProcess, ResidentMemory } from './types.ts';

const run = promisify(execFile);

const ruleOf = ({ protocol, hostAddress, hostPort }: HostForward) => `${protocol}:${hostAddress}:${hostPort}`;

/** Milliseconds until a QEMU that was just started has made its sockets. */
const PORT_PATIENCE = 5_000;

/** What a started QEMU can be asked, through its monitor. */
export function qemuProcess(
  pid: number,
  exited: Promise<string>,
  monitor: Monitor,
  config: MachineConfig,
  /** what the guest gets when it begins */
  devices: readonly Device[],
  kill: () => Promise<void>,
): Omit<MachineProcess, 'keepStart'> {
  const { files, memory } = config;
  return {
    pid,
    exited,
    kill,
    async begin(signal) {
      if (devices.length === 0) return; // it had all from the beginning
      for (const device of devices) await monitor.run({ execute: 'device_add', arguments: device });
      await tell(await openPort(files.begin), beginningLine(config, randomBytes(32).toString('hex')), signal);
      await monitor.run({ execute: 'cont' });
    },
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
function tell(port: Socket, line: string, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    port.on('error', fail);
    port.write(`${line}\n`, () => done());
    signal.addEventListener('abort', () => port.destroy(), { once: true });
  });
}

/** Connects to a socket of a QEMU that was just started, which may not have made it yet. */
export async function openPort(path: string, patience = PORT_PATIENCE): Promise<Socket> {
  for (const until = performance.now() + patience; ; await sleep(5)) {
    const socket = createConnection(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      const early = ['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code ?? '');
      if (!early || performance.now() > until) throw error;
    }
  }
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
