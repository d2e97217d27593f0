import { spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freeSharedMemory, makeMemory } from './guest-memory.ts';
import { keepState, TAKES_STATE, takeState } from './kept-state.ts';
import {
  acceleratorOf,
  devicesToPlug,
  keepsStart,
  probeArguments,
  qemuArguments,
  qemuCapabilities,
  qemuProgram,
  type Accelerator,
  type QemuHost,
} from './qemu-arguments.ts';
import { Conversation, Monitor } from './qmp.ts';
import { qemuProcess } from './qemu-process.ts';
import { MachineError, type MachineConfig, type MachineDriver, type MachineProcess } from './types.ts';
import { findVirtiofsd } from './virtiofsd.ts';

const ELSEWHERE: Record<string, string[]> = {
  darwin: ['/opt/homebrew/bin', '/usr/local/bin'],
  win32: ['C:\\Program Files\\qemu'],
};
const INSTALL: Record<string, string> = {
  darwin: 'install it: brew install qemu',
  win32: 'install it: winget install SoftwareFreedomConservancy.QEMU',
};

export const thisHost = (): QemuHost => ({
  platform: process.platform,
  arch: process.arch,
  kvm: process.platform === 'linux' && canOpenKvm(),
  virtiofsd: process.platform === 'linux' && findVirtiofsd() !== undefined,
  virtfs: process.platform !== 'win32',
  sharedMemory: process.platform === 'linux' ? freeSharedMemory() : 0,
  boots: process.env['BERTH_MACHINE_BOOTS'] === '1',
});

/** A device node alone says nothing: without the hardware, opening it fails. */
function canOpenKvm(): boolean {
  try {
    closeSync(openSync('/dev/kvm', 'r+'));
    return true;
  } catch {
    return false;
  }
}

function findQemu(host: QemuHost): string {
  const name = qemuProgram(host);
  const separator = host.platform === 'win32' ? ';' : ':';
  const folders = [...(process.env['PATH'] ?? '').split(separator), ...(ELSEWHERE[host.platform] ?? [])];
  for (const folder of folders.filter(Boolean)) {
    const file = join(folder, name);
    if (!existsSync(file)) continue;
    accessSync(file, constants.X_OK);
    return file;
  }
  const hint = INSTALL[host.platform] ?? 'install it: apt-get install qemu-system-x86 (or qemu-system-arm)';
  throw new MachineError(`${name} is missing`, hint, 'process');
}

/** QEMU on every platform; the acceleration is the best that really works here. `log` gets what QEMU says. */
export async function createQemuDriver(log: string, given: QemuHost = thisHost()): Promise<MachineDriver> {
  const program = findQemu(given);
  const host = await withFolders(program, given);
  const best = acceleratorOf(host);
  const accelerator = best === 'tcg' || (await works(program, host, best)) ? best : 'tcg';
  const refused = accelerator === best ? '' : ` (${best} is there and does not work)`;
  return {
    name: 'qemu',
    accelerator,
    capabilities: qemuCapabilities(host, accelerator),
    warnings:
      accelerator === 'tcg'
        ? [`No hardware virtualisation here${refused}: the machine is emulated, and about ten times slower.`]
        : [],
    start: (config, from) => start({ program, host, accelerator, log }, config, from),
    startKey: (config) => startKey({ program, host, accelerator, log }, config),
  };
}

/** With what this QEMU really has for folders, where that matters. `BERTH_MACHINE_FOLDERS=9p` (or `none`) leaves out what is better. */
async function withFolders(program: string, host: QemuHost, wanted = process.env['BERTH_MACHINE_FOLDERS']) {
  const virtiofsd = host.virtiofsd && wanted !== '9p' && wanted !== 'none';
  const virtfs =
    !virtiofsd && host.virtfs && wanted !== 'none' && (await succeeds(program, ['-device', 'virtio-9p-pci,help']));
  return { ...host, virtiofsd, virtfs };
}

interface Qemu {
  program: string;
  host: QemuHost;
  accelerator: Accelerator;
  log: string;
}

/** A guest's state fits the same QEMU with the same arguments, less what this host alone knows of; accelerated, the same processor too. */
function startKey({ program, host, accelerator }: Qemu, config: MachineConfig): string | undefined {
  if (!keepsStart(host, config)) return undefined;
  const { size, mtimeMs } = statSync(program);
  const processor = accelerator === 'tcg' ? [] : [release(), cpus()[0]?.model];
  const args = qemuArguments(host, { ...config, sshPort: 0 }, accelerator);
  return JSON.stringify([program, size, mtimeMs, processor, args]);
}

/** Makes a processor with this acceleration and ends: a device that opens may still lack what QEMU needs (nested virtualisation). */
const works = (program: string, host: QemuHost, accelerator: Accelerator) =>
  succeeds(program, probeArguments(host, accelerator));

/** Whether QEMU ends well with these arguments when its monitor is told to. */
function succeeds(program: string, args: string[]): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'] });
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    child.stdin.on('error', () => undefined);
    child.stdin.end('quit\n');
    child.once('error', () => done(false));
    child.once('exit', (code) => {
      clearTimeout(late);
      done(code === 0);
    });
  });
}

async function start(qemu: Qemu, config: MachineConfig, from?: string): Promise<MachineProcess> {
  const { program, host, accelerator, log } = qemu;
  const args = [...qemuArguments(host, config, accelerator), ...(from === undefined ? [] : TAKES_STATE)];
  rmSync(log, { force: true });
  const output = openSync(log, 'a', 0o600);
  // with a monitor that has no socket of its own, see qemuArguments
  const piped = host.platform === 'win32';
  const memory = keepsStart(host, config) ? makeMemory(config.memory) : undefined;
  const more = memory === undefined ? [] : [memory]; // as MEMORY_DESCRIPTOR
  const child = spawn(program, args, {
    stdio: piped ? ['pipe', 'pipe', output] : ['ignore', output, output, ...more],
    windowsHide: true,
  });
  closeSync(output);
  const monitor = new Monitor(
    child.stdin && child.stdout ? new Conversation(child.stdout, child.stdin) : config.files.monitor,
  );
  let killed = false;
  const exited = new Promise<string>((done) => {
    child.once('exit', (code, signal) => {
      if (memory !== undefined) closeSync(memory);
      const said = readFileSync(log, 'utf8').trim().split('\n').slice(-3).join('; ');
      done(killed ? '' : said || (signal ? `ended by ${signal}` : `exit code ${code}`));
    });
  });
  await new Promise<void>((done, fail) => {
    child.once('spawn', done);
    child.once('error', (error) => fail(new MachineError(`QEMU cannot start: ${error.message}`, '', 'process')));
  });
  const pid = child.pid as number;
  if (piped) writeFileSync(config.files.monitor, `${pid}\n`, { mode: 0o600 });
  const kill = async () => {
    killed = true;
    child.kill('SIGKILL');
    await Promise.race([exited, sleep(5_000)]);
  };
  if (from !== undefined && memory !== undefined) {
    const ended = exited.then((why) => Promise.reject(new Error(`QEMU ended: ${why}`)));
    ended.catch(() => undefined);
    try {
      await Promise.race([monitor.listens(), ended]);
      await Promise.race([takeState(monitor, memory, from), ended]);
    } catch (error) {
      await kill();
      throw error;
    }
  }
  return {
    ...qemuProcess(pid, exited, monitor, config, devicesToPlug(host, config), kill),
    keepStart: (directory) =>
      memory === undefined
        ? Promise.reject(new Error('its memory is no file'))
        : keepState(monitor, memory, pid, directory),
  };
}
