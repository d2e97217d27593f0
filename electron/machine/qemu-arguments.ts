import type { DriverCapabilities, FolderShare, MachineConfig } from './types.ts';

/** What decides how QEMU is called: Node's names. */
export interface QemuHost {
  platform: string;
  arch: string;
  /** /dev/kvm can be opened; only asked on Linux */
  kvm: boolean;
  /** a virtiofsd that this user can run; only looked for on Linux */
  virtiofsd: boolean;
  /** this QEMU serves folders by 9p: it may be built without */
  virtfs: boolean;
}
export type Accelerator = 'kvm' | 'hvf' | 'whpx' | 'tcg';

/** The best that QEMU has on this host: the hypervisor of the platform where the guest's architecture is the host's. */
export function acceleratorOf(host: QemuHost): Accelerator {
  if (host.arch !== 'x64' && host.arch !== 'arm64') return 'tcg';
  if (host.platform === 'linux') return host.kvm ? 'kvm' : 'tcg';
  if (host.platform === 'darwin') return 'hvf';
  if (host.platform === 'win32') return 'whpx';
  return 'tcg';
}

export const qemuProgram = (host: QemuHost): string =>
  `qemu-system-${host.arch === 'arm64' ? 'aarch64' : 'x86_64'}${host.platform === 'win32' ? '.exe' : ''}`;

export const qemuCapabilities = (host: QemuHost, accelerator = acceleratorOf(host)): DriverCapabilities => ({
  accelerated: accelerator !== 'tcg',
  // Free page reporting discards pages with madvise, or what the platform has of it; Windows has not.
  reclaimsMemory: host.platform !== 'win32',
  growsDisk: true,
  sharedFolders: sharingOf(host),
});

/** virtiofs is the faster by far, and its program one of Linux; QEMU for Windows has neither. */
function sharingOf({ platform, virtiofsd, virtfs }: QemuHost): DriverCapabilities['sharedFolders'] {
  if (platform === 'linux' && virtiofsd) return 'virtiofs';
  return platform !== 'win32' && virtfs ? '9p' : 'none';
}

/**
 * QEMU's command line: no firmware's menus, no default devices, the kernel started directly, the disks by virtio.
 * q35 rather than microvm: the latter hung in the calibration of its clock under emulation.
 */
export function qemuArguments(host: QemuHost, config: MachineConfig, accelerator = acceleratorOf(host)): string[] {
  const { files } = config;
  const arm = host.arch === 'arm64';
  const disk = (id: string, file: string, options: string) => [
    '-drive',
    `if=none,id=${id},file=${escape(file)},format=raw,${options}`,
    '-device',
    `virtio-blk-pci,drive=${id}`,
  ];
  const balloon = qemuCapabilities(host).reclaimsMemory ? ',free-page-reporting=on' : '';
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-name', 'berth'],
    ...['-machine', arm ? 'virt' : 'q35,vmport=off', '-accel', accelerationOf(host, accelerator)],
    ...['-cpu', processorOf(host, accelerator), '-smp', String(config.cpus)],
    ...memoryOf(config),
    ...['-kernel', files.kernel, '-initrd', files.initrd],
    ...['-append', kernelCommandLine(arm, config)],
    // appended to, so that it can be cut while it is written
    ...['-chardev', `file,id=console,append=on,path=${escape(files.console)}`, '-serial', 'chardev:console'],
    ...['-netdev', `user,id=n0,hostfwd=tcp:127.0.0.1:${config.sshPort}-:22`],
    ...['-device', 'virtio-net-pci,netdev=n0,romfile=', '-device', 'virtio-rng-pci'],
    ...config.shares.flatMap(shareOf),
    ...disk('root', files.root, 'readonly=on'),
    ...disk('data', files.data, 'discard=unmap,detect-zeroes=unmap,cache=writeback'),
    ...['-device', `virtio-balloon-pci,deflate-on-oom=on${balloon}`],
    ...['-qmp', monitorOf(host, files.monitor)],
  ];
}

/** A machine that stops before its first instruction and reads commands on stdin: does this acceleration work at all? */
export const probeArguments = (host: QemuHost, accelerator: Accelerator): string[] => [
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-machine', host.arch === 'arm64' ? 'virt' : 'q35'],
  ...[
    '-accel',
    accelerationOf(host, accelerator),
    '-cpu',
    processorOf(host, accelerator),
    '-m',
    '64',
    '-S',
    '-monitor',
    'stdio',
  ],
];

const kernelCommandLine = (arm: boolean, config: MachineConfig) =>
  [
    `console=${arm ? 'ttyAMA0' : 'ttyS0'}`,
    ...['quiet', 'loglevel=3', 'panic=-1', `berth.key=${config.publicKey}`],
    ...encoded(
      'env',
      Object.entries(config.environment).map(([name, value]) => `${name}=${quoted(value)}`),
    ),
    ...encoded(
      'shares',
      config.shares.map(
        ({ how, tag, path, writable }) => `${tag} ${how === '9p' ? '9p-' : ''}${writable ? 'rw' : 'ro'} ${path}`,
      ),
    ),
  ].join(' ');

/** Lines that may hold anything, as one word of the kernel's command line. */
const encoded = (name: string, lines: string[]) =>
  lines.length === 0 ? [] : [`berth.${name}=${Buffer.from(`${lines.join('\n')}\n`).toString('base64')}`];

/** For a POSIX shell. */
const quoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;

/** For virtiofs, memory that other programs can map, which is how a program on this host serves files into the guest's memory. */
function memoryOf({ memory, shares }: MachineConfig): string[] {
  if (!shares.some(({ how }) => how === 'virtiofs')) return ['-m', String(memory)];
  return [
    ...['-m', String(memory), '-object', `memory-backend-memfd,id=memory,size=${memory}M,share=on`],
    ...['-machine', 'memory-backend=memory'],
  ];
}

/**
 * 9p: files are made by QEMU, and so belong to the user who runs it; links, modes and names are the real ones, which the mapped models
 * replace by files and attributes that only a guest understands.
 */
function shareOf(share: FolderShare): string[] {
  const { how, tag, path, writable } = share;
  if (how === 'virtiofs')
    return [
      ...['-chardev', `socket,id=${tag},path=${escape(share.socket)}`],
      ...['-device', `vhost-user-fs-pci,queue-size=1024,chardev=${tag},tag=${tag}`],
    ];
  const readOnly = writable ? '' : ',readonly=on';
  return [
    ...['-fsdev', `local,id=${tag},path=${escape(path)},security_model=none,multidevs=remap${readOnly}`],
    ...['-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
  ];
}

/** A comma in an option's value is written twice. */
const escape = (value: string) => value.replaceAll(',', ',,');

function accelerationOf(host: QemuHost, accelerator: Accelerator): string {
  // One thread for all emulated processors, a quarter slower to start than one each: those saw each other's changes to the kernel's code too
  // late now and then (QEMU 7.2, a stray int3), and the guest was gone.
  if (accelerator === 'tcg') return 'tcg,thread=single';
  // The hypervisor platform of Windows has no interrupt controller that QEMU can use; its ARM version refuses the option.
  if (accelerator === 'whpx' && host.arch === 'x64') return 'whpx,kernel-irqchip=off';
  return accelerator;
}

function processorOf(host: QemuHost, accelerator: Accelerator): string {
  // `max` makes WHPX crash on some AMD processors; pdpe1gb is not what the Intel hypervisor of macOS can do.
  if (accelerator === 'whpx') return host.arch === 'x64' ? 'Westmere' : 'host';
  if (accelerator === 'hvf') return host.arch === 'x64' ? 'host,-pdpe1gb' : 'host';
  return accelerator === 'kvm' ? 'host' : 'max';
}

const monitorOf = (host: QemuHost, path: string) =>
  host.platform === 'win32' ? `pipe:${path.split('\\').at(-1) ?? path}` : `unix:${escape(path)},server=on,wait=off`;
