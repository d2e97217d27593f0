import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../machine/free-port.ts';

/** A real OpenSSH server of the test's own on loopback, and a home directory with `.ssh` for who connects. Needs root. */
export interface Sshd {
  readonly port: number;
  readonly home: string;
  readonly pid: number;
  /** base64 and type of the host key, as in known_hosts */
  hostKey(type: 'ed25519' | 'ecdsa' | 'rsa'): string;
  /** writes a key pair below `.ssh`, and lets it in */
  key(name: string, type: 'ed25519' | 'ecdsa' | 'rsa', passphrase?: string): string;
  knownHosts(...lines: string[]): void;
  config(text: string): void;
  /** with other options than before, in sshd_config's words */
  restart(...options: string[]): Promise<void>;
  /** pids of the processes that serve a connection */
  sessions(): number[];
  stop(): Promise<void>;
}

/** No sockets of this machine's engines are there for who connects. */
const OWN_RUN = 'mount -t tmpfs none /run && mkdir /run/sshd && exec "$@"';

const TYPES = ['ed25519', 'ecdsa', 'rsa'] as const;

function keygen(path: string, type: string, passphrase = ''): void {
  const bits = type === 'rsa' ? ['-b', '2048'] : [];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-N', passphrase, '-C', 'berth-test', '-f', path]);
}
const publicOf = (path: string) => readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');

/** Until it shows its banner. */
async function listening(port: number, server: ChildProcess, log: string): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`sshd ended: ${readFileSync(log, 'utf8')}`);
    const socket = connect(port, '127.0.0.1');
    const answered = await Promise.race([
      once(socket, 'data').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (answered) return;
    await sleep(20);
  }
}

export async function startSshd(): Promise<Sshd> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'berth-sshd-'));
  chmodSync(folder, 0o755);
  const home = join(folder, 'home');
  const ssh = join(home, '.ssh');
  mkdirSync(ssh, { recursive: true, mode: 0o700 });
  for (const type of TYPES) keygen(join(folder, `host-${type}`), type);
  const authorized = join(folder, 'authorized_keys');
  writeFileSync(authorized, '', { mode: 0o600 });
  const log = join(folder, 'log');
  let server: ChildProcess | undefined;

  const stop = async () => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    for (const pid of sessions()) tryKill(pid);
    server.kill('SIGTERM');
    await ended;
  };
  const restart = async (...options: string[]) => {
    await stop();
    const config = [
      ...options,
      'AddressFamily inet',
      'ListenAddress 127.0.0.1',
      `Port ${port}`,
      ...TYPES.map((type) => `HostKey ${join(folder, `host-${type}`)}`),
      `AuthorizedKeysFile ${authorized}`,
      `PidFile ${join(folder, 'pid')}`,
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'StrictModes no',
      'UsePAM no',
      'UseDNS no',
    ];
    writeFileSync(join(folder, 'sshd_config'), `${config.join('\n')}\n`);
    const sshd = ['/usr/sbin/sshd', '-D', '-f', join(folder, 'sshd_config'), '-E', log];
    server = spawn('unshare', ['--mount', 'sh', '-c', OWN_RUN, 'sh', ...sshd], { stdio: 'ignore' });
    await listening(port, server, log);
  };
  const sessions = () => children(server?.pid ?? -1);
  await restart();
  return {
    port,
    home,
    get pid() {
      return server?.pid as number;
    },
    hostKey: (type) => publicOf(join(folder, `host-${type}`)),
    key(name, type, passphrase) {
      const path = join(ssh, name);
      for (const each of [path, `${path}.pub`]) rmSync(each, { force: true });
      keygen(path, type, passphrase);
      writeFileSync(authorized, `${publicOf(path)}\n`, { flag: 'a' });
      return path;
    },
    knownHosts: (...lines) => writeFileSync(join(ssh, 'known_hosts'), `${lines.join('\n')}\n`),
    config: (text) => writeFileSync(join(ssh, 'config'), text),
    restart,
    sessions,
    async stop() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** All below it. */
function children(pid: number): number[] {
  const direct = tryRead(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return direct.flatMap((child) => [child, ...children(child)]);
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}
