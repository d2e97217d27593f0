import { describe, expect, test } from 'vitest';
import {
  acceleratorOf,
  beginningLine,
  devicesToPlug,
  qemuArguments,
  qemuCapabilities,
  qemuProgram,
  type QemuHost,
} from './qemu-arguments.ts';
import type { FolderShare, MachineConfig } from './types.ts';

const host = (
  platform: string,
  arch: string,
  kvm = false,
  virtiofsd = platform === 'linux',
  virtfs = true,
): QemuHost => ({
  ...{ platform, arch, kvm, virtiofsd, virtfs, sharedMemory: platform === 'linux' ? 8192 : 0 },
});
const virtiofs: FolderShare = { how: 'virtiofs', tag: 'share0', path: '/home/me', writable: true, socket: '/r/a,b' };
const ninep: FolderShare = { how: '9p', tag: 'share1', path: '/Users/a,b', writable: false };
const config: MachineConfig = {
  ...{ cpus: 2, memory: 2048, sshPort: 40022 },
  files: {
    ...{ kernel: '/i/kernel', initrd: '/i/initrd', root: '/i/root', data: '/h/data.raw', console: '/h/console.log' },
    ...{ monitor: '/r/monitor.sock', begin: '/r/begin,sock' },
  },
  shares: [virtiofs],
  beginning: { publicKey: 'AAAAC3Nz+/=', environment: {} },
};
const bare: MachineConfig = { ...config, shares: [] };
/** The values of an option, in their order. */
const values = (args: readonly string[], option: string) =>
  args.flatMap((arg, i) => (arg === option ? [args[i + 1]] : []));

describe('the acceleration is the platform’s own', () => {
  test.each([
    [host('linux', 'x64', true), 'kvm', 'host', 'q35,vmport=off', 'qemu-system-x86_64'],
    [host('linux', 'x64'), 'tcg,thread=single,tb-size=512', 'max', 'q35,vmport=off', 'qemu-system-x86_64'],
    [host('linux', 'arm64', true), 'kvm', 'host', 'virt', 'qemu-system-aarch64'],
    [host('darwin', 'x64'), 'hvf', 'host,-pdpe1gb', 'q35,vmport=off', 'qemu-system-x86_64'],
    [host('darwin', 'arm64'), 'hvf', 'host', 'virt', 'qemu-system-aarch64'],
    [host('win32', 'x64'), 'whpx,kernel-irqchip=off', 'Westmere', 'q35,vmport=off', 'qemu-system-x86_64.exe'],
    [host('win32', 'arm64'), 'whpx', 'host', 'virt', 'qemu-system-aarch64.exe'],
    [host('freebsd', 'x64'), 'tcg,thread=single,tb-size=512', 'max', 'q35,vmport=off', 'qemu-system-x86_64'],
  ])('%j: %s', (where, acceleration, processor, machine, program) => {
    const args = qemuArguments(where, bare);
    expect(values(args, '-accel')).toEqual([acceleration]);
    expect(values(args, '-cpu')).toEqual([processor]);
    expect(values(args, '-machine')[0]).toBe(machine);
    expect(qemuProgram(where)).toBe(program);
    const console = where.arch === 'arm64' ? 'ttyAMA0' : 'ttyS0';
    expect(values(args, '-append')[0]).toMatch(new RegExp(`^console=${console} `));
  });

  test('where the user has no right to it, or it is of another kind, the machine is emulated', () => {
    expect(acceleratorOf(host('linux', 'x64'))).toBe('tcg');
    expect(acceleratorOf(host('linux', 'riscv64', true))).toBe('tcg');
  });
});

test('on Windows the monitor is QEMU’s own input and output; commas in names are written twice', () => {
  const chardevs = (where: QemuHost) => values(qemuArguments(where, bare), '-chardev');
  expect(chardevs(host('win32', 'x64'))).toEqual([expect.stringMatching(/^file,/), 'stdio,id=monitor,signal=off']);
  expect(chardevs(host('linux', 'x64'))[0]).toBe('socket,id=begin,path=/r/begin,,sock,server=on,wait=off');
});

test('memory is given back where the platform can, and can be mapped by others on Linux only', () => {
  const linux = qemuArguments(host('linux', 'x64'), bare).join(' ');
  expect(linux).toContain('free-page-reporting=on');
  expect(linux).toContain('memory-backend-file,id=memory,mem-path=/proc/self/fd/3,size=2048M,share=on');
  const small = { ...host('linux', 'x64'), sharedMemory: 2047 };
  expect(qemuArguments(small, config).join(' ')).toContain('memory-backend-memfd,id=memory,size=2048M,share=on');
  expect(devicesToPlug(small, config)).toEqual([]);
  expect(qemuArguments(small, bare).join(' ')).not.toContain('memory-backend');
  expect(qemuArguments(host('darwin', 'arm64'), bare).join(' ')).toContain('free-page-reporting=on');
  const windows = qemuArguments(host('win32', 'x64'), bare).join(' ');
  expect(windows).not.toContain('free-page-reporting');
  expect(windows).not.toContain('memory-backend');
});

test('what a kept start must not know is plugged in when it begins, and is there from the first where none is kept', () => {
  const linux = host('linux', 'x64', true);
  const there = (where: QemuHost) => values(qemuArguments(where, config), '-device').join(' ');
  expect(there(linux)).not.toMatch(/drive=data|vhost-user-fs/);
  expect(there(linux)).toMatch(/pcie-root-port,id=slot0.*pcie-root-port,id=slot1.*vmgenid,guid=auto/);
  expect(devicesToPlug(linux, config)).toEqual([
    { driver: 'virtio-blk-pci', id: 'data-device', drive: 'data', bus: 'slot0' },
    {
      driver: 'vhost-user-fs-pci',
      id: 'share0-device',
      'queue-size': 1024,
      chardev: 'share0',
      tag: 'share0',
      bus: 'slot1',
    },
  ]);
  const arm = host('linux', 'arm64', true);
  expect(there(arm)).toContain('virtio-blk-pci,id=data-device,drive=data');
  expect(there(arm)).toContain('vhost-user-fs-pci,id=share0-device,queue-size=1024,chardev=share0,tag=share0');
  expect(devicesToPlug(arm, config)).toEqual([]);
  const [told] = values(qemuArguments(arm, config), '-fw_cfg');
  expect(told).toMatch(/^name=opt\/berth\/begin,string=time=\d+ seed= key=AAAAC3Nz\+\/= env= shares=\S+$/);
  expect(qemuCapabilities({ ...linux, boots: true }).keepsStarts).toBe(false);
});

test('nothing of one start is in what is the same for all of them; the guest is told it in one line', () => {
  const beginning = { publicKey: 'AAAAC3Nz+/=', environment: { HTTP_PROXY: "http://a'b" } };
  const line = beginningLine({ ...config, beginning }, 'c0ffee', 1_700_000_000_499);
  expect(qemuArguments(host('linux', 'x64'), { ...config, beginning }).join(' ')).not.toContain('AAAAC3Nz');
  expect(line).not.toContain('\n');
  const words = new Map(line.split(' ').map((word) => /^(\w+)=(.*)$/.exec(word)?.slice(1) as [string, string]));
  const text = (name: string) => Buffer.from(words.get(name) ?? '', 'base64').toString();
  expect(Object.fromEntries(words)).toMatchObject({ time: '1700000000', seed: 'c0ffee', key: 'AAAAC3Nz+/=' });
  expect(text('env')).toBe("HTTP_PROXY='http://a'\\''b'\n");
  expect(text('shares')).toBe('share0 rw /home/me\n');
  expect(beginningLine(bare, 's', 0)).toBe('time=0 seed=s key=AAAAC3Nz+/= env= shares=');
});

test.each<[string, QemuHost, string]>([
  ['Linux with virtiofsd', host('linux', 'x64', true), 'virtiofs'],
  ['Linux without', host('linux', 'x64', true, false), '9p'],
  ['Linux with neither', host('linux', 'x64', true, false, false), 'none'],
  ['macOS on Intel', host('darwin', 'x64'), '9p'],
  ['macOS on Apple silicon', host('darwin', 'arm64'), '9p'],
  ['macOS, a QEMU without 9p', host('darwin', 'arm64', false, false, false), 'none'],
  ['Windows', host('win32', 'x64', false, true), 'none'],
])('folders are shared on %s by the best that is there', (_where, where, how) =>
  expect(qemuCapabilities(where).sharedFolders).toBe(how),
);

test('virtiofs: its program’s socket', () => {
  expect(qemuArguments(host('linux', 'x64'), config).join(' ')).toContain('-chardev socket,id=share0,path=/r/a,,b');
});

test.each<[string, QemuHost]>([
  ['Linux', host('linux', 'arm64', true, false)],
  ['macOS on Intel', host('darwin', 'x64')],
  ['macOS on Apple silicon', host('darwin', 'arm64')],
])('9p on %s: QEMU serves the folder itself, with the user’s own files', (_where, where) => {
  const shares = [ninep, { ...ninep, tag: 'share2', path: '/w', writable: true }];
  const line = qemuArguments(where, { ...config, shares }).join(' ');
  expect(line).toContain('-fsdev local,id=share1,path=/Users/a,,b,security_model=none,multidevs=remap,readonly=on');
  expect(line).toContain('-fsdev local,id=share2,path=/w,security_model=none,multidevs=remap -');
  expect(line).toContain('-device virtio-9p-pci,id=share1-device,fsdev=share1,mount_tag=share1');
  const told = / shares=(\S+)/.exec(beginningLine({ ...config, shares }, 's'))?.[1];
  expect(Buffer.from(told ?? '', 'base64').toString()).toBe('share1 9p-ro /Users/a,b\nshare2 9p-rw /w\n');
});
