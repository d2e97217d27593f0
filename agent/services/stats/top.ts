import type { TopResponse } from '../../api/container.ts';
import { conflict, invalid, systemError } from '../../api/errors.ts';
import type { CgroupDriver } from '../../cgroups/types.ts';
import { ExecError, type Exec } from '../../system/exec.ts';
import type { ContainerLookup } from '../containers/types.ts';

const DEFAULT_ARGUMENTS = '-ef';

/** GET /containers/{id}/top: `ps` of the whole machine, of which the container's processes are kept, as dockerd does it. */
export async function top(
  parts: { containers: ContainerLookup; cgroups: Pick<CgroupDriver, 'processes'>; exec: Exec },
  reference: string,
  psArguments: string,
): Promise<TopResponse> {
  const record = parts.containers.get(reference);
  if (!record.state.Running) throw conflict(`container ${record.id} is not running`);
  if (record.state.Restarting)
    throw conflict(`Container ${record.id} is restarting, wait until the container is running`);
  checkArguments(psArguments);
  const words = (psArguments.trim() || DEFAULT_ARGUMENTS).split(/[ \t\n\v\f\r]+/);
  let output: string;
  try {
    output = (await parts.exec(['ps', ...words], { env: { ...process.env, LC_ALL: 'C' } })).stdout;
  } catch (error) {
    if (!(error instanceof ExecError)) throw error;
    throw systemError(error.stderr.split('\n').find((line) => line.trim() !== '') ?? `ps: ${error.message}`, error);
  }
  return parsePs(output, new Set(await parts.cgroups.processes(record.cgroupPath)));
}

/** A column named PID that is not the pid would let a client see other processes (moby `daemon/top_unix.go`). */
function checkArguments(text: string): void {
  for (const [, key, value] of text.matchAll(/\s+(\S*)=\s*(PID\S*)/g))
    if (key !== 'pid') throw invalid(`specifying "${key}=${value}" is not allowed`);
}

/** Keeps the lines whose PID is one of `pids`. The last column may hold spaces. */
export function parsePs(output: string, pids: ReadonlySet<number>): TopResponse {
  const [heading = '', ...lines] = output.split('\n');
  const fieldsOf = (line: string) => line.split(/[ \t\n\v\f\r]+/).filter(Boolean);
  const titles = fieldsOf(heading);
  const column = titles.indexOf('PID');
  if (column < 0) throw systemError("Couldn't find PID field in ps output");
  const processes: string[][] = [];
  let keptBefore = false;
  for (const line of lines) {
    const fields = fieldsOf(line);
    if (fields.length === 0) continue;
    const word = fields[column] ?? '';
    // Threads follow their process, with a dash for the pid.
    if (word !== '-') {
      if (!/^\d+$/.test(word))
        throw systemError(`Unexpected pid '${word}': strconv.Atoi: parsing "${word}": invalid syntax`);
      keptBefore = pids.has(Number(word));
    }
    if (keptBefore) processes.push([...fields.slice(0, titles.length - 1), fields.slice(titles.length - 1).join(' ')]);
  }
  return { Titles: titles, Processes: processes };
}
