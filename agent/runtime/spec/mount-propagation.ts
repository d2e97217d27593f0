import { readFile, realpath } from 'node:fs/promises';
import { invalid } from '../../api/errors.ts';
import type { MountPoint } from '../../api/container.ts';

interface SourceMount {
  mountPoint: string;
  shared: boolean;
  slave: boolean;
}

/** The mount `path` lies on, by /proc/self/mountinfo (proc(5)). */
export async function mountOf(path: string): Promise<SourceMount> {
  const real = await realpath(path);
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  let best: SourceMount = { mountPoint: '', shared: false, slave: false };
  for (const line of lines) {
    const fields = line.split(' ');
    const mountPoint = (fields[4] ?? '').replace(/\\(\d{3})/g, (_all, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    );
    if (mountPoint === '' || !(mountPoint === '/' || real === mountPoint || real.startsWith(`${mountPoint}/`)))
      continue;
    if (mountPoint.length < best.mountPoint.length) continue;
    const optional = fields.slice(6, fields.indexOf('-'));
    best = {
      mountPoint,
      shared: optional.some((option) => option.startsWith('shared:')),
      slave: optional.some((option) => option.startsWith('master:')),
    };
  }
  return best;
}

/**
 * The propagation the container's root needs for the propagations asked for. Throws invalid-parameter where the source's mount
 * is not shared, so that nothing could propagate.
 */
export async function rootPropagation(mounts: readonly MountPoint[]): Promise<string | undefined> {
  let needed: string | undefined;
  for (const point of mounts) {
    if (point.Type !== 'bind' || !/shared|slave/.test(point.Propagation)) continue;
    const { mountPoint, shared, slave } = await mountOf(point.Source);
    if (point.Propagation.endsWith('shared')) {
      if (!shared) throw invalid(`path ${point.Source} is mounted on ${mountPoint} but it is not a shared mount`);
      needed = 'shared';
    } else {
      if (!shared && !slave)
        throw invalid(`path ${point.Source} is mounted on ${mountPoint} but it is not a shared or slave mount`);
      needed ??= 'rslave';
    }
  }
  return needed;
}
