import { readdir, readFile } from 'node:fs/promises';

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/**
 * The engine's own processes: those that name its directory (monitors and shims are given paths in it), and the direct children of the
 * daemon (its containerd, its port proxies). What runs in containers is not among them.
 */
export async function engineProcesses(directory: string, daemon: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of pids) {
    if (pid === process.pid) continue;
    const command = await read(`/proc/${pid}/cmdline`);
    const parent = Number((await read(`/proc/${pid}/stat`)).replace(/^.*\) /s, '').split(' ')[1]);
    if (command.includes(directory) || pid === daemon || parent === daemon) found.push(pid);
  }
  return found;
}

/** Proportional set size of the processes in MB (proc_pid_smaps_rollup, `Pss`). */
export async function memoryOf(pids: readonly number[]): Promise<number> {
  let kilobytes = 0;
  for (const pid of pids) kilobytes += Number(/^Pss:\s+(\d+)/m.exec(await read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  return kilobytes / 1024;
}

/** Milliseconds on a processor so far, by process (proc_pid_stat(5), utime and stime, in USER_HZ of 100). */
export async function processorTime(pids: readonly number[]): Promise<Map<number, number>> {
  const times = new Map<number, number>();
  for (const pid of pids) {
    const fields = (await read(`/proc/${pid}/stat`)).replace(/^.*\) /s, '').split(' ');
    if (fields.length > 12) times.set(pid, (Number(fields[11]) + Number(fields[12])) * 10);
  }
  return times;
}
