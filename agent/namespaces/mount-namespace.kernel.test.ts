import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exec } from '../system/exec.ts';
import { MNT, syscalls } from '../system/syscalls.ts';
import { enterMountNamespace, isNamespaceFile } from './mount-namespace.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-namespace-'));
  file = join(directory, 'run/mount-ns');
});
afterEach(() => {
  for (let mounts = 0; mounts < 2; mounts++)
    try {
      syscalls().umount(file, MNT.DETACH);
    } catch {
      // there was one less
    }
  rmSync(directory, { recursive: true, force: true });
});

const program = (text: string) => {
  const path = join(directory, 'unshare');
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return { unshare: path, nsenter: '/usr/bin/nsenter' };
};

test('a namespace that the kernel takes for an older one is made anew, and entered where one is', async () => {
  const count = join(directory, 'count');
  const programs = program(`echo >>${count}
[ "$(wc -l <${count})" -ge 3 ] && exec /usr/bin/unshare "$@"
echo 'unshare: mount /proc/1/ns/mnt on x failed: Invalid argument' >&2
exit 1`);
  const { argv } = enterMountNamespace(file, programs, syscalls());
  expect(isNamespaceFile(file)).toBe(true);
  expect(readFileSync(count, 'utf8')).toHaveLength(3);
  const head = argv.slice(0, argv.indexOf(process.execPath));
  const { stdout } = await exec([...head, 'sh', '-c', 'pwd; readlink /proc/self/ns/mnt']);
  const [where, namespace] = stdout.split('\n');
  expect(where).toBe(process.cwd());
  expect(namespace).not.toBe((await exec(['readlink', '/proc/self/ns/mnt'])).stdout.trim());
  // The next engine enters the same one.
  expect(enterMountNamespace(file, programs, syscalls()).argv).toEqual(argv);
  expect((await exec([...head, 'readlink', '/proc/self/ns/mnt'])).stdout.trim()).toBe(namespace);
});

test('any other failure is told at once', () => {
  const programs = program('echo "unshare failed: Operation not permitted" >&2; exit 1');
  expect(() => enterMountNamespace(file, programs, syscalls())).toThrow(
    /could not be made: .*Operation not permitted$/,
  );
});
