import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { syncFileSystem } from './sync-filesystem.ts';

it('syncs the file system of a path, and says what is wrong with the path', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-sync-'));
  try {
    writeFileSync(join(directory, 'file'), 'content');
    await expect(syncFileSystem(directory)).resolves.toBeUndefined();
    await expect(syncFileSystem(join(directory, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
