import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from './client.ts';
import { engineProcesses } from './processes.ts';

/** An engine that runs, with directories of its own. */
export interface Engine {
  name: string;
  version: string;
  client: Client;
  processes(): Promise<number[]>;
  stop(): Promise<void>;
}

interface Recipe {
  /** where the program is; undefined when it is not installed */
  find(): string | undefined;
  /** the command line, and files it needs */
  command(program: string, directory: string, registry: string): Promise<{ argv: string[]; env?: NodeJS.ProcessEnv }>;
}

const installed = (...paths: string[]) => paths.find((path) => existsSync(path));

export const RECIPES: Record<string, Recipe> = {
  berth: {
    find: () => installed(join(dirname(fileURLToPath(import.meta.url)), '../bin/berth')),
    command: (program, directory) =>
      Promise.resolve({
        argv: [
          program,
          'engine',
          '--socket',
          `${directory}/socket`,
          '--root',
          `${directory}/root`,
          '--run-dir',
          `${directory}/run`,
        ],
      }),
  },
  dockerd: {
    find: () => installed('/usr/sbin/dockerd', '/usr/bin/dockerd'),
    command: async (program, directory) => {
      await writeFile(`${directory}/daemon.json`, '{}');
      return {
        argv: [
          ...[program, '--config-file', `${directory}/daemon.json`, '--host', `unix://${directory}/socket`],
          ...['--data-root', `${directory}/root`, '--exec-root', `${directory}/run`, '--pidfile', `${directory}/pid`],
          ...[
            '--storage-driver',
            'overlay2',
            '--exec-opt',
            'native.cgroupdriver=cgroupfs',
            '--cgroup-parent',
            '/berth-bench',
          ],
        ],
      };
    },
  },
  podman: {
    find: () => installed('/usr/bin/podman'),
    command: async (program, directory, registry) => {
      await writeFile(`${directory}/registries.conf`, `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`);
      await writeFile(
        `${directory}/containers.conf`,
        '[engine]\nevents_logger = "file"\n[containers]\nlog_driver = "k8s-file"\n',
      );
      return {
        // crun refuses the hybrid cgroup mount of some machines.
        argv: [
          ...[program, '--root', `${directory}/root`, '--runroot', `${directory}/run`, '--tmpdir', `${directory}/tmp`],
          ...[
            '--storage-driver',
            'overlay',
            '--cgroup-manager',
            'cgroupfs',
            '--network-config-dir',
            `${directory}/networks`,
          ],
          ...(existsSync('/sys/fs/cgroup/unified') ? ['--runtime', 'runc'] : []),
          ...['system', 'service', '--time', '0', `unix://${directory}/socket`],
        ],
        env: {
          CONTAINERS_REGISTRIES_CONF: `${directory}/registries.conf`,
          CONTAINERS_CONF: `${directory}/containers.conf`,
        },
      };
    },
  },
};

/** Ready when this resolves. Throws with the end of the engine's log when it does not start. */
export async function startEngine(name: string, program: string, registry: string): Promise<Engine> {
  const recipe = RECIPES[name] as Recipe;
  const directory = await mkdtemp(join(tmpdir(), `bench-${name}-`));
  await mkdir(`${directory}/config`);
  const log = openSync(`${directory}/log`, 'a');
  const { argv, env } = await recipe.command(program, directory, registry);
  const child = spawn(argv[0] as string, argv.slice(1), {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
    detached: true,
  });
  const client = new Client(`${directory}/socket`, `${directory}/config`);
  const stop = async () => {
    await end(child);
    for (const pid of await engineProcesses(directory, -1)) kill(pid);
    await rm(directory, { recursive: true, force: true, maxRetries: 5 }).catch((error: unknown) =>
      console.error(`${name}: ${String(error)}`),
    );
  };
  try {
    await ready(client, child);
  } catch (error) {
    const said = (await readFile(`${directory}/log`, 'utf8')).slice(-1500);
    await stop();
    throw new Error(`${name} did not start: ${(error as Error).message}\n${said}`);
  }
  const { Version } = await client.call<{ Version: string }>('GET', '/version');
  return { name, version: Version, client, processes: () => engineProcesses(directory, child.pid ?? -1), stop };
}

async function ready(client: Client, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 60_000; ;) {
    try {
      await client.readAll('/_ping');
      return;
    } catch (error) {
      if (child.exitCode !== null) throw new Error(`exit code ${child.exitCode}`);
      if (Date.now() > deadline) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  await ended;
  clearTimeout(timer);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}
