import { spawn, type ChildProcess } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mkdir, readFile, rename, rm, writeFile } from '../../system/small-files.ts';
import type { NamedNetwork } from './names.ts';

/** What aardvark-dns is to serve in the engine's place. */
export interface FallbackNetwork extends NamedNetwork {
  /** name of its file */
  key: string;
  /** addresses to listen on */
  listen: string[];
}

/** No host answers to it, and nothing can be sent to it: who is to ask nobody asks this. */
const NOBODY = '255.255.255.255';

/**
 * Names while there is no engine: containers go on when it is stopped, updated or killed, and need each other's names. A shell waits on
 * a pipe that only the engine holds; when that closes, for whatever reason, it becomes aardvark-dns, with the files written here.
 */
export class NameFallback {
  readonly #directory: string;
  readonly #program: string | undefined;
  #watcher: ChildProcess | undefined;
  /** nothing is there that would be served */
  #empty = false;

  /** `directory` is this engine's own; `program` is aardvark-dns, undefined where it is not installed. */
  constructor(directory: string, program: string | undefined) {
    this.#directory = directory;
    this.#program = program;
  }

  get #config(): string {
    return join(this.#directory, 'aardvark-dns');
  }

  /** The engine is here: ends what has stood in for it, so that its addresses are free. */
  async relieve(): Promise<void> {
    const watcher = await this.#pidIn(join(this.#directory, 'watcher.pid'), (argv) => argv.includes(this.#config));
    if (watcher !== undefined) await gone(watcher, 2000);
    const server = await this.#pidIn(join(this.#config, 'aardvark.pid'), (argv) => argv.includes(this.#config));
    if (server !== undefined) {
      process.kill(server, 'SIGTERM');
      await gone(server, 2000);
    }
    await rm(this.#config, { recursive: true, force: true });
    await rm(join(this.#directory, 'watcher.pid'), { force: true });
  }

  /** Replaces what would be served; without any network there is nobody to wait. */
  async update(networks: readonly FallbackNetwork[]): Promise<void> {
    if (networks.length === 0 && this.#empty) return;
    this.#empty = false;
    await mkdir(this.#config, { recursive: true, mode: 0o700 });
    const wanted = new Set(networks.map(({ key }) => key));
    for (const name of await readdir(this.#config))
      if (!wanted.has(name)) await rm(join(this.#config, name), { force: true });
    for (const network of networks) {
      // Not beside it: every file there is taken for a network.
      const fresh = join(this.#directory, `${network.key}.tmp`);
      await writeFile(fresh, fileText(network), { mode: 0o600 });
      await rename(fresh, join(this.#config, network.key));
    }
    if (networks.length > 0) await this.#watch();
    else {
      await this.end();
      this.#empty = true;
    }
  }

  /** Nothing stands in for the engine any more. */
  async end(): Promise<void> {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    if (watcher?.pid !== undefined) {
      watcher.kill('SIGKILL');
      await gone(watcher.pid, 2000);
    }
    await rm(join(this.#directory, 'watcher.pid'), { force: true });
  }

  /** The pipe closes as when the engine is killed. */
  abandon(): void {
    this.#watcher?.stdin?.destroy();
    this.#watcher = undefined;
  }

  async #watch(): Promise<void> {
    if (this.#watcher || this.#program === undefined) return;
    const script = 'read -r line; exec "$1" --config "$2" -p 53 run >/dev/null 2>&1';
    const watcher = spawn('/bin/sh', ['-c', script, 'berth-names', this.#program, this.#config], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    this.#watcher = watcher;
    watcher.on('error', () => undefined);
    watcher.stdin?.on('error', () => undefined);
    watcher.once('exit', () => {
      if (this.#watcher === watcher) this.#watcher = undefined;
    });
    // The engine ends when it is told to, whether or not anybody waits for that.
    watcher.unref();
    (watcher.stdin as { unref?: () => void } | null)?.unref?.();
    if (watcher.pid !== undefined) await writeFile(join(this.#directory, 'watcher.pid'), String(watcher.pid));
  }

  async #pidIn(path: string, isIt: (argv: string[]) => boolean): Promise<number | undefined> {
    const pid = Number((await readFile(path, 'utf8').catch(() => '')).trim());
    if (!Number.isInteger(pid) || pid <= 1) return undefined;
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    return isIt(argv) ? pid : undefined;
  }
}

/** The addresses to listen on; then for each container its id, addresses of both families, names, and whom to ask (aardvark-dns(8)). */
function fileText({ listen, members, internal }: FallbackNetwork): string {
  const lines = members.map(({ container, addresses, names, servers }) => {
    const of = (six: boolean) => addresses.filter((address) => address.includes(':') === six).join(',');
    const asked = internal ? [NOBODY] : servers;
    return [
      container,
      of(false),
      of(true),
      names.join(',') || container,
      ...(asked.length > 0 ? [asked.join(',')] : []),
    ].join(' ');
  });
  return `${[listen.join(','), ...lines].join('\n')}\n`;
}

/** Waits for a process to end; not longer than that. A zombie has ended. */
async function gone(pid: number, milliseconds: number): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (Date.now() < deadline) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (stat === '' || stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z') return;
    await new Promise((done) => setTimeout(done, 5));
  }
}
