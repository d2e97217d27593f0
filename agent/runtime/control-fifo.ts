import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Writes a line to one of conmon's FIFOs in the bundle: `winsz` takes "HEIGHT WIDTH", `ctl` "2 0 0" to open the log anew.
 * Without a reader (conmon is gone) it throws ENXIO and does not wait, also where conmon goes just then.
 */
export async function writeFifo(directory: string, name: 'winsz' | 'ctl', line: string): Promise<void> {
  const handle = await fs.open(join(directory, name), constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    await handle.write(`${line}\n`);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EPIPE' ? Object.assign(error as Error, { code: 'ENXIO' }) : error;
  } finally {
    await handle.close();
  }
}

/** conmon refuses sizes above 1000. */
export const windowSize = (height: number, width: number): string =>
  `${Math.max(0, Math.min(1000, Math.trunc(height)))} ${Math.max(0, Math.min(1000, Math.trunc(width)))}`;

export const REOPEN_LOGS = '2 0 0';
