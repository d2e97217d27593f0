import { quoted } from '../contract/shell-words.ts';
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
  /** MiB that are free in /dev/shm; 0 where there is none */
  sharedMemory: number;
  /** the user wants no start to be kept */
  boots?: boolean;
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
  // What is used of the memory is told by /proc, and the guest must learn that it is a copy, by a device that only PCs have.
  keepsStarts: host.platform === 'linux' && host.arch === 'x64' && host.boots !== true,
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
  const { reclaimsMemory } = qemuCapabilities(host);
  const keepsStarts = keepsStart(host, config);
  const disk = (id: string, file: string, options: string) => [
    '-drive',
    `if=none,id=${id},file=${escape(file)},format=raw,${options}`,
  ];
  const balloon = reclaimsMemory ? ',free-page-reporting=on' : '';
  // Where a start may be kept, what it must not know is plugged in when it begins: the data disk, and the folders.
  const pluggedIn = devicesOf(config);
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-name', 'berth'],
    ...['-machine', arm ? 'virt' : 'q35,vmport=off', '-accel', accelerationOf(host, accelerator)],
    ...['-cpu', processorOf(host, accelerator), '-smp', String(config.cpus)],
    ...memoryOf(host, config),
    ...['-kernel', files.kernel, '-initrd', files.initrd],
    ...['-append', kernelCommandLine(host, config)],
    ...(keepsStarts
      ? [
          ...['-chardev', socketOf('begin', files.begin)],
          ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=begin,name=berth.begin'],
        ]
      : ['-fw_cfg', `name=opt/berth/begin,string=${escape(beginningLine(config, ''))}`]),
    // appended to, so that it can be cut while it is written
    ...['-chardev', `file,id=console,append=on,path=${escape(files.console)}`, '-serial', 'chardev:console'],
    ...['-netdev', `user,id=n0,hostfwd=tcp:127.0.0.1:${config.sshPort}-:22`],
    ...['-device', 'virtio-net-pci,netdev=n0,romfile=', '-device', 'virtio-rng-pci'],
    ...disk('root', files.root, 'readonly=on'),
    ...['-device', 'virtio-blk-pci,drive=root'],
    ...disk('data', files.data, 'discard=unmap,detect-zeroes=unmap,cache=writeback'),
    ...config.shares.flatMap(serverOf),
    ...['-device', `virtio-balloon-pci,deflate-on-oom=on${balloon}`],
    ...(keepsStarts
      ? pluggedIn.flatMap((_device, slot) => [
          '-device',
          `pcie-root-port,id=${slotName(slot)},chassis=${slot},slot=${slot}`,
        ])
      : pluggedIn.flatMap((device) => ['-device', optionOf(device)])),
    ...(keepsStarts ? ['-device', 'vmgenid,guid=auto'] : []),
    ...['-chardev', monitorOf(host, files.monitor), '-mon', 'chardev=monitor,mode=control'],
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

const kernelCommandLine = (host: QemuHost, config: MachineConfig) =>
  [
    `console=${host.arch === 'arm64' ? 'ttyAMA0' : 'ttyS0'}`,
    ...['quiet', 'loglevel=3', 'panic=-1'],
    ...(keepsStart(host, config) ? ['berth.kept'] : []),
    ...(config.shares.length > 0 ? ['berth.folders'] : []),
  ].join(' ');

/** Whether this machine's start is kept: its memory is then a file of its own in /dev/shm, which must have room for all of it. */
export const keepsStart = (host: QemuHost, { memory }: Pick<MachineConfig, 'memory'>): boolean =>
  qemuCapabilities(host).keepsStarts && memory <= host.sharedMemory;

/** The memory's file, which is open as this descriptor when QEMU starts. Only of a file that has a name, QEMU leaves the memory out of its state. */
export const MEMORY_DESCRIPTOR = 3;

/** Memory that other programs can map: this process, which keeps it, and virtiofsd, which serves files into it. */
function memoryOf(host: QemuHost, config: MachineConfig): string[] {
  const { memory, shares } = config;
  const shared = ['-m', String(memory), '-machine', 'memory-backend=memory', '-object'];
  if (keepsStart(host, config))
    return [
      ...shared,
      `memory-backend-file,id=memory,mem-path=/proc/self/fd/${MEMORY_DESCRIPTOR},size=${memory}M,share=on`,
    ];
  if (shares.some(({ how }) => how === 'virtiofs'))
    return [...shared, `memory-backend-memfd,id=memory,size=${memory}M,share=on`];
  return ['-m', String(memory)];
}

/** A device as `device_add` takes it; on the command line, its members are options. */
export type Device = { driver: string } & Record<string, string | number>;

const shareDevice = ({ how, tag }: FolderShare): Device =>
  how === 'virtiofs'
    ? { driver: 'vhost-user-fs-pci', id: `${tag}-device`, 'queue-size': 1024, chardev: tag, tag }
    : { driver: 'virtio-9p-pci', id: `${tag}-device`, fsdev: tag, mount_tag: tag };

/** The data disk's, and those of the folders. */
const devicesOf = ({ shares }: MachineConfig): Device[] => [
  { driver: 'virtio-blk-pci', id: 'data-device', drive: 'data' },
  ...shares.map(shareDevice),
];

/**
 * What serves a folder to its device. 9p: files are made by QEMU, and so belong to the user who runs it; links, modes and names are the
 * real ones, which the mapped models replace by files and attributes that only a guest understands.
 */
function serverOf(share: FolderShare): string[] {
  const { how, tag, path, writable } = share;
  if (how === 'virtiofs') return ['-chardev', `socket,id=${tag},path=${escape(share.socket)}`];
  const readOnly = writable ? '' : ',readonly=on';
  return ['-fsdev', `local,id=${tag},path=${escape(path)},security_model=none,multidevs=remap${readOnly}`];
}

const slotName = (slot: number) => `slot${slot}`;

const optionOf = ({ driver, ...options }: Device) =>
  [driver, ...Object.entries(options).map(([name, value]) => `${name}=${value}`)].join(',');

/** What is plugged in when a prepared guest begins; nothing where it was there from the beginning. */
export const devicesToPlug = (host: QemuHost, config: MachineConfig): Device[] =>
  keepsStart(host, config) ? devicesOf(config).map((device, slot) => ({ ...device, bus: slotName(slot) })) : [];

/**
 * The line that tells a prepared guest what makes this start this one: `NAME=VALUE` words, texts in base64. Over a port that it waits at,
 * or, where no start is kept, in a file of QEMU's (fw_cfg), which only the guest's root can read.
 */
export function beginningLine({ shares, beginning }: MachineConfig, seed: string, now = Date.now()): string {
  const { publicKey, environment } = beginning;
  const text = (lines: string[]) => Buffer.from(lines.map((line) => `${line}\n`).join('')).toString('base64');
  return [
    ...[`time=${Math.round(now / 1000)}`, `seed=${seed}`, `key=${publicKey}`],
    `env=${text(Object.entries(environment).map(([name, value]) => `${name}=${quoted(value)}`))}`,
    `shares=${text(
      shares.map(
        ({ how, tag, path, writable }) => `${tag} ${how === '9p' ? '9p-' : ''}${writable ? 'rw' : 'ro'} ${path}`,
      ),
    )}`,
  ].join(' ');
}

/** A comma in an option's value is written twice. */
const escape = (value: string) => value.replaceAll(',', ',,');

function accelerationOf(host: QemuHost, accelerator: Accelerator): string {
  // One thread for all emulated processors, a quarter slower to start than one each: those saw each other's changes to the kernel's code too
  // late now and then (QEMU 7.2, a stray int3), and the guest was gone.
  // What was translated takes memory that is not given back: a start and ten containers fill 500 MB of the gigabyte that QEMU would take.
  if (accelerator === 'tcg') return 'tcg,thread=single,tb-size=512';
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

const socketOf = (id: string, path: string) => `socket,id=${id},path=${escape(path)},server=on,wait=off`;

/**
 * Node has no Unix sockets on Windows, QEMU's named pipe there serves one client, once, and keeps the machine from its start until then; a
 * TCP port would be open to every program, and to web pages. So it is the process's own input and output.
 */
const monitorOf = (host: QemuHost, path: string) =>
  host.platform === 'win32' ? 'stdio,id=monitor,signal=off' : socketOf('monitor', path);
