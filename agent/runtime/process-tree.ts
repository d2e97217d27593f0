import { readdir, readFile } from 'node:fs/promises';

const SIGSTOP = 19;
const SIGKILL = 9;

/**
 * Ends a process and all that descend from it. Each is stopped before its children are looked for: one that runs could make more
 * while they are counted.
 */
export async function killTree(pid: number): Promise<void> {
  if (!Number.isInteger(pid) || pid <= 1) return;
  const found: number[] = [];
  for (let next: number[] = [pid]; next.length > 0;) {
    for (const one of next) signal(one, SIGSTOP);
    found.push(...next);
    const parents = new Set(next);
    next = (await processes()).filter(({ parent }) => parents.has(parent)).map(({ id }) => id);
  }
  for (const one of found) signal(one, SIGKILL);
}

async function processes(): Promise<{ id: number; parent: number }[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const read = async (id: number) => {
    const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '');
    // proc_pid_stat(5): the name in brackets may hold anything, the fields after it do not.
    return { id, parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) };
  };
  return Promise.all(ids.map(read));
}

function signal(pid: number, number: number): void {
  try {
    process.kill(pid, number);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
