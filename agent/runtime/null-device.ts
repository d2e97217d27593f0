import { chmodSync, chownSync, statSync } from 'node:fs';
import { chown, stat } from 'node:fs/promises';

const NULL = '/dev/null';
const MODE = 0o666;

/**
 * crun before 1.24 gives the machine's own /dev/null to the container's user when that is the process's stdin (crun issue 1845). To be
 * called when a process has been made and has not run yet. Fine where it may not be changed.
 */
export function repairNullDevice(): void {
  try {
    const { uid, gid, mode } = statSync(NULL);
    if (uid !== 0 || gid !== 0) chownSync(NULL, 0, 0);
    if ((mode & 0o777) !== MODE) chmodSync(NULL, MODE);
  } catch {
    // in a user namespace of its own the engine does not own it, nor can the runtime give it away
  }
}

/** Makes a process's pipes its user's, so that it can open /dev/stdout: runc cannot from inside a user namespace. */
export async function giveStdio(pid: number, owner: { uid: number; gid: number }): Promise<void> {
  for (const fd of [0, 1, 2]) {
    const path = `/proc/${pid}/fd/${fd}`;
    if ((await stat(path)).isFIFO()) await chown(path, owner.uid, owner.gid);
  }
}
