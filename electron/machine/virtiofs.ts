import { spawn, spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FolderReport, SharedFolder } from '../contract/machine.ts';
import type { FolderShare } from './types.ts';

/** Where distributions put the program, newest kind first: it is not on the PATH. */
const PLACES = ['/usr/libexec/virtiofsd', '/usr/lib/virtiofsd', '/usr/lib/qemu/virtiofsd', '/usr/bin/virtiofsd'];
/** Milliseconds for the program to listen. */
const PATIENCE = 10_000;

/** The program that serves a folder into the guest. The one that QEMU 7 brought needs root; the newer one is a program of the user's. */
export interface Virtiofsd {
  program: string;
  kind: 'qemu' | 'rust';
}

/** Undefined where there is none that this user can run; `why` then says so. */
export function findVirtiofsd(root = process.getuid?.() === 0): Virtiofsd | { why: string } {
  for (const program of PLACES) {
    if (!existsSync(program)) continue;
    const said = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 5_000 });
    const kind = /virtiofsd version/.test(said.stdout + said.stderr) ? 'qemu' : 'rust';
    if (kind === 'rust' || root) return { program, kind };
  }
  return {
    why: 'virtiofsd is missing, which serves folders of this host to the machine: install the package virtiofsd (Debian 13, Ubuntu 24.04 or later)',
  };
}

/** Files made in the guest belong to this user, unless this user is root: then owners are the same on both sides. */
export function virtiofsdArguments({ kind }: Virtiofsd, share: FolderShare, root = process.getuid?.() === 0): string[] {
  const socket = `--socket-path=${share.socket}`;
  // the limit of open files stays as it is: raising it takes a right that not even every root has
  if (kind === 'qemu') {
    const options = [`source=${share.path}`, 'cache=auto', 'xattr', 'sandbox=chroot', 'log_level=warn'];
    return [socket, '--rlimit-nofile=0', '-f', ...options.flatMap((option) => ['-o', option])];
  }
  const ids = root
    ? ['--sandbox=chroot']
    : [`--translate-uid=squash-guest:0:${process.getuid?.() ?? 0}:4294967295`, `--sandbox=none`];
  const readOnly = share.writable ? [] : ['--readonly'];
  return [socket, `--shared-dir=${share.path}`, '--cache=auto', '--xattr', '--rlimit-nofile=0', ...ids, ...readOnly];
}

export interface ServedFolders {
  /** what the guest is to mount */
  shares: FolderShare[];
  /** a row for each folder; `mounted` is what is expected until the guest says otherwise */
  reports: FolderReport[];
  close(): void;
}

/** Serves each folder by a program of its own. One that cannot be served is reported, and the machine starts without it. */
export async function serveFolders(folders: readonly SharedFolder[], run: string, log: string): Promise<ServedFolders> {
  const found = findVirtiofsd();
  const shares: FolderShare[] = [];
  const reports: FolderReport[] = [];
  const children: (() => void)[] = [];
  for (const [index, folder] of folders.entries()) {
    const failed = (error: string): FolderReport => ({
      ...folder,
      how: 'none',
      state: 'failed',
      error,
      notify: 'none',
    });
    if ('why' in found) {
      reports.push(failed(found.why));
      continue;
    }
    // by its place among the folders: what the guest says of it names it so
    const share = { tag: `share${index}`, ...folder, socket: join(run, `share${index}.sock`) };
    try {
      accessSync(folder.path, constants.R_OK | constants.X_OK);
      children.push(await serve(found, share, log));
      shares.push(share);
      reports.push({ ...folder, how: 'virtiofs', state: 'mounted', notify: 'part', notifyLimit: NOTIFY_LIMIT });
    } catch (error) {
      reports.push(failed(error instanceof Error ? error.message : String(error)));
    }
  }
  return { shares, reports, close: () => children.forEach((end) => end()) };
}

export const NOTIFY_LIMIT =
  'Changes made on this host reach containers that have the folder mounted as changes of content; new and removed files are told as a change of their folder.';

async function serve(virtiofsd: Virtiofsd, share: FolderShare, log: string): Promise<() => void> {
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
