import { expect, test } from 'vitest';
import { qemuArguments, qemuCapabilities, type QemuHost } from './qemu-arguments.ts';
import type { FolderShare, MachineConfig } from './types.ts';

const host = (change: Partial<QemuHost>): QemuHost => ({
  ...{ platform: 'linux', arch: 'x64', kvm: true, virtiofsd: false, virtfs: true },
  ...change,
});
const config = (shares: FolderShare[]): MachineConfig => ({
  ...{ cpus: 2, memory: 1024, sshPort: 1022, publicKey: 'AAAA', environment: {}, shares },
  files: { kernel: '/i/k', initrd: '/i/i', root: '/i/r', data: '/m/d', console: '/m/c', monitor: '/m/s' },
});
const virtiofs: FolderShare = { how: 'virtiofs', tag: 'share0', path: '/home/me', writable: true, socket: '/run/a,b' };
const ninep: FolderShare = { how: '9p', tag: 'share1', path: '/Users/a,b', writable: false };

test.each<[string, Partial<QemuHost>, string]>([
  ['Linux with virtiofsd', { virtiofsd: true }, 'virtiofs'],
  ['Linux without', {}, '9p'],
  ['Linux with neither', { virtfs: false }, 'none'],
  ['macOS on Intel', { platform: 'darwin' }, '9p'],
  ['macOS on Apple silicon', { platform: 'darwin', arch: 'arm64' }, '9p'],
  ['macOS, a QEMU without 9p', { platform: 'darwin', virtfs: false }, 'none'],
  ['Windows', { platform: 'win32', virtiofsd: true }, 'none'],
])('folders are shared on %s by the best that is there', (_where, change, how) =>
  expect(qemuCapabilities(host(change)).sharedFolders).toBe(how),
);

test('virtiofs: memory that its program can map, and its socket', () => {
  const line = qemuArguments(host({ virtiofsd: true }), config([virtiofs])).join(' ');
  expect(line).toContain('memory-backend-memfd,id=memory,size=1024M,share=on');
  expect(line).toContain('socket,id=share0,path=/run/a,,b');
  expect(line).toContain('vhost-user-fs-pci,queue-size=1024,chardev=share0,tag=share0');
  expect(line).not.toContain('9p');
});

test.each<[string, Partial<QemuHost>]>([
  ['Linux', {}],
  ['macOS on Intel', { platform: 'darwin' }],
  ['macOS on Apple silicon', { platform: 'darwin', arch: 'arm64' }],
])('9p on %s: QEMU serves the folder itself, in plain memory, with the user’s own files', (_where, change) => {
  const args = qemuArguments(host(change), config([ninep, { ...ninep, tag: 'share2', path: '/w', writable: true }]));
  const line = args.join(' ');
  expect(line).toContain(
    '-fsdev local,id=share1,path=/Users/a,,b,security_model=none,multidevs=remap,readonly=on -device virtio-9p-pci,fsdev=share1,mount_tag=share1',
  );
  expect(line).toContain('-fsdev local,id=share2,path=/w,security_model=none,multidevs=remap -device');
  expect(line).not.toContain('memfd');
  const shares = /berth\.shares=(\S+)/.exec(line)?.[1] ?? '';
  expect(Buffer.from(shares, 'base64').toString()).toBe('share1 9p-ro /Users/a,b\nshare2 9p-rw /w\n');
});
