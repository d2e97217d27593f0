import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ownersOf, serveFolders, whyNone } from './serve-folders.ts';
import { fileOwner, findVirtiofsd, virtiofsdArguments } from './virtiofsd.ts';

const share = { how: 'virtiofs', tag: 'share0', path: '/home/me', writable: false, socket: '/run/s' } as const;
const rust = { program: 'virtiofsd', kind: 'rust' } as const;
const user = { root: false, uid: 1000, gid: 100 };
const root = { root: true, uid: 0, gid: 0 };

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-virtiofsd-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** On the PATH, a program that says so. */
function installed(said: string): NodeJS.ProcessEnv {
  writeFileSync(join(folder, 'virtiofsd'), `#!/bin/sh\necho '${said}'\n`);
  chmodSync(join(folder, 'virtiofsd'), 0o755);
  return { PATH: folder };
}

test('a user who is not root has the newer program, and not the one that needs root', () => {
  const env = installed('virtiofsd 1.13.2');
  expect(findVirtiofsd(false, env)?.kind).toBe('rust');
  expect(findVirtiofsd(true, env)?.kind).toBe('rust');
  const old = installed('virtiofsd version 7.2.22 (Debian)');
  expect(findVirtiofsd(false, old)?.program).not.toBe(join(folder, 'virtiofsd'));
  expect(findVirtiofsd(true, old)).toBeDefined();
});

test('files that a guest makes belong to the user, and to their group', () => {
  const args = virtiofsdArguments(rust, share, user);
  expect(args).toEqual(
    expect.arrayContaining([
      '--translate-uid=squash-guest:0:1000:4294967295',
      '--translate-gid=squash-guest:0:100:4294967295',
      '--sandbox=none',
      '--readonly',
    ]),
  );
  expect(virtiofsdArguments(rust, share, root).join()).not.toContain('translate');
  expect(virtiofsdArguments(rust, share, root)).toContain('--sandbox=chroot');
  expect(virtiofsdArguments({ program: 'virtiofsd', kind: 'qemu' }, share, root)).toContain('source=/home/me');
});

test('under sudo they belong to the one who called it', () => {
  expect(fileOwner({ SUDO_UID: '1000', SUDO_GID: '100' }, 0)).toEqual({ ...user, root: true });
  expect(fileOwner({ SUDO_UID: '1000' }, 501)).toMatchObject({ root: false, uid: 501 });
  const args = virtiofsdArguments(rust, share, { ...user, root: true });
  expect(args).toContain('--translate-uid=squash-guest:0:1000:4294967295');
  expect(args).toContain('--sandbox=chroot');
});

test('what does not hold of owners is said', () => {
  expect(ownersOf(rust, root)).toBeUndefined();
  expect(ownersOf(undefined, root)).toBeUndefined();
  expect(ownersOf(rust, user)).toContain('has no effect');
  expect(ownersOf(undefined, user)).toContain('is refused');
  expect(ownersOf({ program: '', kind: 'qemu' }, { ...user, root: true })).toContain('without sudo');
});

test('a folder that cannot be served is told with why, and the others are served', async () => {
  const places = { run: folder, log: join(folder, 'log') };
  const asked = [
    { path: folder, writable: true },
    { path: join(folder, 'missing'), writable: true },
  ];
  const { shares, reports } = await serveFolders('9p', asked, places);
  expect(shares).toEqual([{ how: '9p', tag: 'share0', path: folder, writable: true }]);
  expect(reports).toMatchObject([
    { how: '9p', state: 'mounted', notify: 'part', notifyLimit: expect.stringContaining('POLLING') },
    { how: 'none', state: 'failed', error: expect.stringContaining('missing') },
  ]);
  const none = await serveFolders('none', asked.slice(0, 1), places);
  expect(none).toMatchObject({ shares: [], reports: [{ how: 'none', state: 'failed', error: whyNone() }] });
  expect(whyNone('win32')).toContain('docker cp');
  expect(whyNone('darwin')).not.toContain('virtiofsd');
});
