import { spawn, type SpawnOptions } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOver, type RemoteResult } from '../../engine/ssh-exec.ts';
import { connect, machineKey } from '../ssh.ts';
import type { MachineStatus, PortForward } from '../../contract/machine.ts';
import { demand } from '../control.ts';

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A machine of the test's own, started as a user starts it. */
export interface TestGuest {
  home: string;
  socket: string;
  /** `berth machine …` on this machine */
  berth(...args: string[]): Promise<Ended>;
  status(): Promise<MachineStatus>;
  /** the state as it was last told: asks nobody */
  glance(): Promise<MachineStatus>;
  /** docker that goes on until `stop` */
  follow(...args: string[]): { text(): string; ended(): boolean; stop(): void };
  /** the real docker client of the host against the forwarded socket; any exit code, trimmed */
  docker(args: readonly string[], input?: string | Buffer): Promise<Ended>;
  /** docker that must succeed: its stdout */
  ok(...args: string[]): Promise<string>;
  /** a command line in the guest */
  sh(command: string, input?: string | Buffer): Promise<RemoteResult>;
  /** of a container, as they are told */
  portsOf(name: string): Promise<PortForward[]>;
  /** as if this host had slept until now */
  woke(): Promise<void>;
  /** ends it and removes everything */
  remove(): Promise<void>;
}

/** Runs a program to its end without waiting for the event loop: the forwarded socket is served by another process. */
export function run(argv: readonly string[], options: SpawnOptions = {}, input?: string | Buffer): Promise<Ended> {
  return new Promise((done, fail) => {
    const child = spawn(argv[0] as string, argv.slice(1), { ...options, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    child.once('error', fail);
    child.once('close', (code) => done({ code, stdout: stdout.trim(), stderr: stderr.trim() }));
  });
}

export interface GuestOptions {
  env?: NodeJS.ProcessEnv;
  /** stands for this host's /etc/resolv.conf */
  resolvConf?: string;
}

/** Sees this file as /etc/resolv.conf, in a mount namespace of its own. */
const withResolvConf = (file: string | undefined): string[] =>
  file === undefined ? [] : ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', file];

export function testGuest(options: GuestOptions = {}): TestGuest {
  const home = mkdtempSync(join(tmpdir(), 'berth-m-'));
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...options.env,
    BERTH_MACHINE_HOME: home,
    BERTH_SOURCE: '1',
    BERTH_MACHINE_MINUTE: '3000',
  };
  const socket = join(home, 'engine.sock');
  const berth = (...args: string[]) =>
    run([...withResolvConf(options.resolvConf), join(REPOSITORY, 'bin/berth'), 'machine', ...args], { env });
  const dockerEnv = { PATH: env['PATH'], HOME: home, DOCKER_HOST: `unix://${socket}` };
  const docker = (args: readonly string[], input?: string | Buffer) =>
    run(['docker', ...args], { env: dockerEnv }, input);
  const glance = () => JSON.parse(readFileSync(join(home, 'status.json'), 'utf8')) as MachineStatus;
  return {
    home,
    socket,
    berth,
    docker,
    glance: async () => glance(),
    follow(...args) {
      const child = spawn('docker', args, { env: dockerEnv, stdio: ['ignore', 'pipe', 'ignore'] });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      return { text: () => text, ended: () => child.exitCode !== null, stop: () => void child.kill() };
    },
    status: async () => JSON.parse((await berth('status', '--json')).stdout) as MachineStatus,
    async ok(...args) {
      const { code, stdout, stderr } = await docker(args);
      if (code !== 0) throw new Error(`docker ${args.join(' ')}: exit code ${code}: ${stderr}`);
      return stdout;
    },
    async sh(command, input) {
      const { sshPort = 0 } = glance();
      const client = await connect({
        host: '127.0.0.1',
        port: sshPort,
        privateKey: machineKey(join(home, 'id_ed25519')).privateKey,
        hostKey: readFileSync(join(home, 'host-key'), 'utf8').trim(),
      });
      try {
        return await runOver(client, command, input);
      } finally {
        client.end();
      }
    },
    async portsOf(name) {
      const { ports = [] } = glance();
      return ports.filter(({ container }) => container === name);
    },
    async woke() {
      await demand(join(home, 'control.sock'), { verb: 'woke' });
    },
    async remove() {
      await berth('kill');
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** The pids of the machine's QEMU: processes that have the machine's own files on their command lines. */
export function processesOf({ home }: TestGuest): number[] {
  const isIts = (pid: string) => {
    const line = tryRead(`/proc/${pid}/cmdline`);
    return line.startsWith('/') && line.includes('qemu-system') && line.includes(`${home}/`);
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isIts(name))
    .map(Number);
}

/** As long as it lives. */
export const processOf = (guest: TestGuest): number | undefined => processesOf(guest)[0];

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const APPLETS = ['cat', 'date', 'dd', 'echo', 'ls', 'mv', 'nc', 'sh', 'sleep', 'sync', 'true'];

/** The image "bb": a static busybox, and links that make programs run which are mounted with their libraries at /usr. */
export async function busyboxImage(guest: TestGuest): Promise<void> {
  const root = join(guest.home, 'bb');
  mkdirSync(join(root, 'bin'), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  for (const name of APPLETS) symlinkSync('busybox', join(root, 'bin', name));
  for (const name of ['lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
  const archive = join(guest.home, 'bb.tar');
  const packed = await run(['tar', '-C', root, '-cf', archive, '.']);
  if (packed.code !== 0) throw new Error(packed.stderr);
  await guest.ok('import', archive, 'bb');
}
