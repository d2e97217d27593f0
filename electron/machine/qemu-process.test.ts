import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { guestResident, openPort } from './qemu-process.ts';

const SMAPS = `7f0000000000-7f0040000000 rwxp 00000000 00:00 0
Size:            1048576 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:              123456 kB
7f0050000000-7f0080000000 rw-s 00000000 00:01 5 /memfd:memory-backend-memfd (deleted)
Size:             786432 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:              300000 kB
Pss:              300000 kB
`;

it('tells the guest’s memory from that of the program that runs it, also where that has larger mappings', () => {
  expect(guestResident(SMAPS, 768)).toBe(300_000 * 1024);
  expect(guestResident(SMAPS, 512)).toBeUndefined();
});

it('waits for a socket that a QEMU just started has not made yet, and not for ever', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-port-'));
  const path = join(folder, 'begin.sock');
  await expect(openPort(path, 30)).rejects.toThrow('ENOENT');
  const opening = openPort(path);
  const server = createServer();
  setTimeout(() => server.listen(path), 30);
  const socket = await opening;
  expect(socket.readyState).toBe('open');
  socket.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});
