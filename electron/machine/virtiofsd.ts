import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VirtiofsShare } from './types.ts';

/** Where distributions put the program, newest kind first: it is seldom on the PATH. */
const PLACES = ['/usr/libexec/virtiofsd', '/usr/lib/virtiofsd', '/usr/lib/qemu/virtiofsd'];
/** Milliseconds for the program to listen. */
const PATIENCE = 10_000;

/** The program that serves a folder into the guest. The one that QEMU 7 brought needs root; the newer one is a program of the user's. */
export interface Virtiofsd {
  program: string;
  kind: 'qemu' | 'rust';
}

/** Whose the files on this host are to be. */
export interface Owner {
  /** the program is run by root */
  root: boolean;
  uid: number;
  gid: number;
}

/** The user who runs Berth: the one who called `sudo`, where it is run by that. */
export function fileOwner(env: NodeJS.ProcessEnv = process.env, uid = process.getuid?.() ?? 0): Owner {
  const gid = process.getgid?.() ?? 0;
  if (uid !== 0 || !env['SUDO_UID']) return { root: uid === 0, uid, gid };
  return { root: true, uid: Number(env['SUDO_UID']), gid: Number(env['SUDO_GID'] ?? gid) };
}

/** Undefined where there is none that this user can run. */
export function findVirtiofsd(root = process.getuid?.() === 0, env: NodeJS.ProcessEnv = process.env) {
  const onPath = (env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const usable: Virtiofsd[] = [];
  for (const program of [...PLACES, ...onPath.map((folder) => join(folder, 'virtiofsd'))]) {
    if (!existsSync(program)) continue;
    const { status, stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 5_000 });
    if (status !== 0) continue;
    const kind = /virtiofsd version/.test(stdout + stderr) ? 'qemu' : 'rust';
    if (kind === 'rust') return { program, kind } as const;
    if (root) usable.push({ program, kind });
  }
  return usable[0];
}

/**
 * Files made in the guest belong to the owner; where that is root itself, owners are the same on both sides. The program of QEMU 7 cannot
 * translate owners.
 */
export function virtiofsdArguments({ kind }: Virtiofsd, share: VirtiofsShare, owner = fileOwner()): string[] {
  const socket = `--socket-path=${share.socket}`;
  // the limit of open files stays as it is: raising it takes a right that not even every root has
  if (kind === 'qemu') {
    const options = [`source=${share.path}`, 'cache=auto', 'xattr', 'sandbox=chroot', 'log_level=warn'];
    return [socket, '--rlimit-nofile=0', '-f', ...options.flatMap((option) => ['-o', option])];
  }
  const squash = (what: 'uid' | 'gid') => `--translate-${what}=squash-guest:0:${owner[what]}:4294967295`;
  const ids = owner.root && owner.uid === 0 ? [] : [squash('uid'), squash('gid')];
  // Without root there is no chroot; a user namespace is not to be had everywhere. It opens nothing by name but below the folder.
  const sandbox = `--sandbox=${owner.root ? 'chroot' : 'none'}`;
  const readOnly = share.writable ? [] : ['--readonly'];
  return [
    ...[socket, `--shared-dir=${share.path}`, '--cache=auto', '--xattr', '--rlimit-nofile=0', '--log-level=warn'],
    ...[sandbox, ...ids, ...readOnly],
  ];
}

/** Starts the program and resolves when it listens; gives what ends it. `log` gets what it says. */
export async function startVirtiofsd(virtiofsd: Virtiofsd, share: VirtiofsShare, log: string): Promise<() => void> {
  rmSync(share.socket, { force: true });
  const output = openSync(log, 'a', 0o600);
  const child = spawn(virtiofsd.program, virtiofsdArguments(virtiofsd, share), { stdio: ['ignore', output, output] });
  closeSync(output);
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended ??= `ended with ${signal ?? code}`));
  const until = performance.now() + PATIENCE;
  while (!existsSync(share.socket)) {
    if (ended === undefined && performance.now() < until) {
      await sleep(5);
      continue;
    }
    child.kill('SIGKILL');
    const said = readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '';
    throw new Error(`${share.path} cannot be served to the machine: ${ended ?? 'virtiofsd does not listen'}: ${said}`);
  }
  return () => child.kill('SIGTERM');
}
