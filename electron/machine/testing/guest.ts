import { spawn, type SpawnOptions } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, runOver, machineKey, type RemoteResult } from '../ssh.ts';
import type { MachineStatus } from '../../contract/machine.ts';

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
  /** the real docker client of the host against the forwarded socket; any exit code, trimmed */
  docker(args: readonly string[], input?: string | Buffer): Promise<Ended>;
  /** docker that must succeed: its stdout */
  ok(...args: string[]): Promise<string>;
  /** a command line in the guest */
  sh(command: string, input?: string | Buffer): Promise<RemoteResult>;
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

export function testGuest(home = mkdtempSync(join(tmpdir(), 'berth-m-'))): TestGuest {
  const env: NodeJS.ProcessEnv = { ...process.env, BERTH_MACHINE_HOME: home, BERTH_SOURCE: '1' };
  const socket = join(home, 'engine.sock');
  const berth = (...args: string[]) => run([join(REPOSITORY, 'bin/berth'), 'machine', ...args], { env });
  const docker = (args: readonly string[], input?: string | Buffer) =>
    run(['docker', ...args], { env: { PATH: env['PATH'], HOME: home, DOCKER_HOST: `unix://${socket}` } }, input);
  return {
    home,
    socket,
    berth,
    docker,
    status: async () => JSON.parse((await berth('status', '--json')).stdout) as MachineStatus,
    async ok(...args) {
      const { code, stdout, stderr } = await docker(args);
      if (code !== 0) throw new Error(`docker ${args.join(' ')}: exit code ${code}: ${stderr}`);
      return stdout;
    },
    async sh(command, input) {
      const { sshPort = 0 } = JSON.parse(readFileSync(join(home, 'status.json'), 'utf8')) as MachineStatus;
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
    async remove() {
      await berth('kill');
      await rm(home, { recursive: true, force: true });
    },
  };
}
