import { statSync } from 'node:fs';
import { invalid } from '../../api/errors.ts';
import type { MountPoint, MountRequest } from '../../api/container.ts';
import type { OciMount } from '../oci.ts';
import type { SpecInput } from '../types.ts';
import { cleanPath } from './check-config.ts';
import { INIT_IN_CONTAINER } from './init.ts';
import { atLeastKernel } from './kernel-version.ts';
import { rootPropagation } from './mount-propagation.ts';
import { parseSecurityOptions } from './security-opt.ts';
import { mergeTmpfsOptions, tmpfsRequestOptions } from './tmpfs.ts';

const mount = (destination: string, type: string, source: string, ...options: string[]): OciMount => ({
  destination,
  type,
  source,
  options,
});

/** What every container has, but for what the user mounts over. */
function defaults({ record }: SpecInput): OciMount[] {
  const host = record.hostConfig;
  const out = [
    mount('/proc', 'proc', 'proc', 'nosuid', 'noexec', 'nodev'),
    mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
    mount('/dev/pts', 'devpts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'),
    mount('/sys', 'sysfs', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
    mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'ro', 'nosuid', 'noexec', 'nodev'),
    mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid', 'noexec', 'nodev'),
  ];
  if (host.IpcMode !== 'none')
    out.push(
      mount('/dev/shm', 'tmpfs', 'shm', 'nosuid', 'noexec', 'nodev', 'mode=1777', `size=${host.ShmSize || 67_108_864}`),
    );
  return out;
}

/** The files the engine writes for the container's network and name, unless the user brings their own. */
function engineFiles({ files }: SpecInput): OciMount[] {
  return (
    [
      ['/etc/resolv.conf', files.resolvConf],
      ['/etc/hostname', files.hostname],
      ['/etc/hosts', files.hosts],
    ] as const
  )
    .filter(([, source]) => source !== '')
    .map(([destination, source]) => mount(destination, 'bind', source, 'rbind', 'rprivate'));
}

/** All mounts, parents before what lies below them; `propagation` is what the container's root must have for them. */
export async function mountsOf(
  input: SpecInput,
  initProgram: string | undefined,
): Promise<{ mounts: OciMount[]; propagation: string | undefined }> {
  const { record } = input;
  const host = record.hostConfig;
  const requests = new Map((host.Mounts ?? []).map((request) => [cleanPath(request.Target), request]));
  const user = record.mounts.map((point) =>
    userMount(point, requests.get(point.Destination), input.facts.kernelVersion),
  );
  for (const [target, options] of Object.entries(host.Tmpfs ?? {}))
    user.push(mount(cleanPath(target), 'tmpfs', 'tmpfs', ...mergeTmpfsOptions(options)));
  const taken = new Set(user.map((item) => item.destination));
  const base = defaults(input).filter(
    (item) => !taken.has(item.destination) && !(taken.has('/dev') && item.destination.startsWith('/dev/')),
  );
  shareShm(input, base);
  // Message queues of the host's IPC namespace cannot be mounted from another user namespace.
  if (host.IpcMode === 'host' && input.namespaces.user.kind !== 'host')
    base.splice(0, base.length, ...base.filter(({ type }) => type !== 'mqueue'));
  const extra = engineFiles(input).filter((item) => !taken.has(item.destination));
  if (initProgram) extra.push(mount(INIT_IN_CONTAINER, 'bind', initProgram, 'bind', 'ro'));
  const all = [...base, ...sortMounts([...extra, ...user])];
  adjustWritable(input, all, taken);
  return { mounts: all, propagation: await rootPropagation(record.mounts) };
}

/** A /dev/shm of the engine's, the host's or another container's. */
function shareShm({ shm }: SpecInput, base: OciMount[]): void {
  const at = base.findIndex((item) => item.destination === '/dev/shm');
  if (shm !== undefined && at >= 0) base[at] = mount('/dev/shm', 'bind', shm, 'rbind', 'rprivate');
}

function userMount(point: MountPoint, request: MountRequest | undefined, kernel: string): OciMount {
  if (point.Type === 'tmpfs')
    return mount(
      point.Destination,
      'tmpfs',
      'tmpfs',
      ...mergeTmpfsOptions(request ? tmpfsRequestOptions(request) : point.Mode),
    );
  const bind = request?.BindOptions;
  const options = [bind?.NonRecursive ? 'bind' : 'rbind'];
  if (!point.RW) {
    if (bind?.ReadOnlyNonRecursive && bind.ReadOnlyForceRecursive)
      throw invalid('mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive');
    // With all that is mounted below, as Docker does where the kernel can (mount_setattr(2), 5.12; crun and runc 1.1 call it "rro").
    // Nothing is mounted below a file, and crun 1.8 takes "rro" for directories only.
    const below =
      statSync(point.Source, { throwIfNoEntry: false })?.isDirectory() &&
      !bind?.NonRecursive &&
      !bind?.ReadOnlyNonRecursive;
    options.push(below && atLeastKernel(kernel, '5.12') ? 'rro' : 'ro');
  }
  // crun 1.8 binds with all that is below for "rprivate" too; without that, both mean the same.
  if (point.Type === 'bind' && point.Propagation)
    options.push(bind?.NonRecursive ? point.Propagation.replace(/^r/, '') : point.Propagation);
  return mount(point.Destination, 'bind', point.Source, ...options);
}

/** By number of components, so that a mount does not hide one made before it. */
function sortMounts(mounts: OciMount[]): OciMount[] {
  const depth = (item: OciMount) => item.destination.split('/').length;
  return mounts.sort((a, b) => depth(a) - depth(b) || (a.destination < b.destination ? -1 : 1));
}

const READONLY_ROOT_EXEMPT: ReadonlySet<string> = new Set(['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue']);

/** Read-only roots make the rest read-only as well; privileged containers may write /sys and their cgroups. */
function adjustWritable({ record, namespaces }: SpecInput, mounts: OciMount[], user: ReadonlySet<string>): void {
  const { ReadonlyRootfs: readonly, Privileged: privileged, SecurityOpt } = record.hostConfig;
  const writableCgroups =
    parseSecurityOptions(SecurityOpt).writableCgroups ?? (privileged || namespaces.user.kind !== 'host');
  for (const item of mounts) {
    const options = (item.options ??= []);
    const clear = () => (item.options = options.filter((option) => option !== 'ro'));
    if (
      readonly &&
      !user.has(item.destination) &&
      !READONLY_ROOT_EXEMPT.has(item.destination) &&
      !options.includes('ro')
    )
      options.push('ro');
    if (privileged && item.destination === '/sys' && item.type === 'sysfs') clear();
    if (writableCgroups && item.type === 'cgroup') clear();
  }
}
