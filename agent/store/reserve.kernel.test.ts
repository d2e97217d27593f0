import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { exec } from '../system/exec.ts';
import { writeAtomic } from './atomic.ts';
import { keepReserve } from './reserve.ts';

// A disk of 256 KiB.
let disk: string;
beforeEach(async () => {
  disk = mkdtempSync(join(tmpdir(), 'berth-reserve-'));
  await exec(['mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
});
afterEach(async () => {
  await exec(['umount', disk]);
  rmdirSync(disk);
});

const fill = () => {
  expect(() => writeFileSync(join(disk, 'greedy'), Buffer.alloc(512 * 1024, 1))).toThrow('ENOSPC');
};

test('a record is written on a disk that is full, once there is a reserve', async () => {
  const reserve = join(disk, 'reserve');
  fill();
  await expect(writeAtomic(join(disk, 'record'), 'told')).rejects.toThrow('ENOSPC');
  writeFileSync(join(disk, 'greedy'), '');
  const stop = keepReserve(reserve, 64 * 1024);
  try {
    await vi.waitFor(() => expect(existsSync(reserve) && readFileSync(reserve).length).toBe(64 * 1024));
    fill();
    await writeAtomic(join(disk, 'record'), 'told');
    expect(readFileSync(join(disk, 'record'), 'utf8')).toBe('told');
    expect(existsSync(reserve)).toBe(false);
  } finally {
    stop();
  }
});
