import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Who has a port of this host, as "name (pid N)"; undefined where that cannot be told, e.g. since it is another user's. */
export async function portOwner(protocol: 'tcp' | 'udp', port: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return await fromProc(protocol, port);
    return await (process.platform === 'win32' ? fromNetstat(protocol, port) : fromLsof(protocol, port));
  } catch {
    return undefined;
  }
}

/** proc(5): the table of sockets has each one's inode, and a process that has it open a link to "socket:[INODE]". */
async function fromProc(protocol: 'tcp' | 'udp', port: number): Promise<string | undefined> {
  const inodes = new Set<string>();
  for (const table of [protocol, `${protocol}6`])
    for (const line of (await readFile(`/proc/net/${table}`, 'utf8').catch(() => '')).split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      const listens = protocol === 'udp' || state === '0A';
      if (inode && listens && Number.parseInt(local?.split(':')[1] ?? '', 16) === port) inodes.add(`socket:[${inode}]`);
    }
  if (inodes.size === 0) return undefined;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      if (!inodes.has(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))) continue;
      return `${await nameOf(pid)} (pid ${pid})`;
    }
  }
  return undefined;
}

/** The program's file: the name that it gives itself may be that of a thread, as Node's is. */
async function nameOf(pid: string): Promise<string> {
  const file = await readlink(`/proc/${pid}/exe`).catch(() => '');
  return basename(file.replace(/ \(deleted\)$/, '')) || (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
}

async function fromLsof(protocol: 'tcp' | 'udp', port: number): Promise<string | undefined> {
  const listening = protocol === 'tcp' ? ['-sTCP:LISTEN'] : [];
  const { stdout } = await run('lsof', ['-nP', `-i${protocol.toUpperCase()}:${port}`, ...listening, '-Fpc']);
  const pid = /^p(\d+)/m.exec(stdout)?.[1];
  return pid && `${/^c(.+)/m.exec(stdout)?.[1] ?? 'a program'} (pid ${pid})`;
}

async function fromNetstat(protocol: 'tcp' | 'udp', port: number): Promise<string | undefined> {
  const { stdout } = await run('netstat', ['-ano', '-p', protocol]);
  const line = stdout.split('\n').find((each) => new RegExp(`^\\s*\\w+\\s+\\S+:${port}\\s`).test(each));
  const pid = line?.trim().split(/\s+/).at(-1);
  return pid && `a program (pid ${pid})`;
}
