import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes in the files below `directory`, each inode once; what goes meanwhile is not counted. */
export async function directorySize(directory: string): Promise<number> {
  const seen = new Set<number>();
  let total = 0;
  const pending = [directory];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
      const full = join(path, entry.name);
      if (entry.isDirectory()) {
        pending.push(full);
        continue;
      }
      const stats = await lstat(full).catch(() => undefined);
      if (!stats || (stats.nlink > 1 && seen.has(stats.ino))) continue;
      if (stats.nlink > 1) seen.add(stats.ino);
      total += stats.size;
    }
  }
  return total;
}
