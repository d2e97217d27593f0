import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainersContext } from './context.ts';

/** Bytes of the writable layer, and of all of the root. */
export async function measure(
  ctx: ContainersContext,
  id: string,
  imageId: string,
): Promise<{ SizeRw: number; SizeRootFs: number }> {
  const SizeRw = await treeSize(ctx.layout.overlay(id).upper, new Set());
  return { SizeRw, SizeRootFs: SizeRw + (ctx.images.byId(imageId)?.size ?? 0) };
}

/** Files with several names count once. What vanishes meanwhile does not count. */
async function treeSize(directory: string, seen: Set<string>): Promise<number> {
  let total = 0;
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) total += await treeSize(path, seen);
    else if (entry.isFile() || entry.isSymbolicLink()) {
      const info = await lstat(path).catch(() => undefined);
      if (!info) continue;
      if (info.nlink > 1) {
        const key = `${info.dev}:${info.ino}`;
        if (seen.has(key)) continue;
        seen.add(key);
      }
      total += info.size;
    }
  }
  return total;
}
