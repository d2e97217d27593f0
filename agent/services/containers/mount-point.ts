import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A mount point has another device than the directory it lies in. */
export function isMountPoint(path: string): boolean {
  try {
    return statSync(path).dev !== statSync(dirname(path)).dev;
  } catch {
    return false;
  }
}
