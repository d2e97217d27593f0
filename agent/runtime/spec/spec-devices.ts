import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { invalid } from '../../api/errors.ts';
import type { DeviceMapping, HostConfig } from '../../api/container.ts';
import { parseDeviceRule, type DeviceRule } from './device-rules.ts';
import { splitDevice } from './spec-resources.ts';

export interface OciDevice {
  type: string;
  path: string;
  major: number;
  minor: number;
  fileMode: number;
  uid: number;
  gid: number;
}

const character = (major: number, minor: number, allow = true): DeviceRule => ({
  allow,
  type: 'c',
  major,
  minor,
  access: 'rwm',
});

/** zero, null, urandom, random, tty, console; not fuse. The runtime adds ptmx and the terminals. */
const DEFAULT_RULES: readonly DeviceRule[] = [
  { allow: false, access: 'rwm' },
  character(1, 5),
  character(1, 3),
  character(1, 9),
  character(1, 8),
  character(5, 0),
  character(5, 1),
  character(10, 229, false),
];

/** Device nodes to make and rules to allow them. Throws invalid-parameter for a device that is not there. */
export async function devicesOf(host: HostConfig): Promise<{ devices: OciDevice[]; rules: DeviceRule[] }> {
  if (host.Privileged) {
    const devices = await hostDevices();
    for (const mapping of host.Devices ?? [])
      if (mapping.PathInContainer && mapping.PathInContainer !== mapping.PathOnHost)
        devices.push(...(await devicesAt(mapping)));
    return { devices, rules: [{ allow: true, access: 'rwm' }] };
  }
  const devices: OciDevice[] = [];
  const rules = [...DEFAULT_RULES];
  for (const mapping of host.Devices ?? [])
    for (const device of await devicesAt(mapping)) {
      devices.push(device);
      const type = device.type === 'b' ? 'b' : 'c';
      rules.push({
        allow: true,
        type,
        major: device.major,
        minor: device.minor,
        access: mapping.CgroupPermissions || 'rwm',
      });
    }
  for (const rule of host.DeviceCgroupRules ?? []) rules.push(parseDeviceRule(rule));
  return { devices, rules };
}

function deviceFrom(stats: Stats, path: string): OciDevice | undefined {
  const type = stats.isBlockDevice() ? 'b' : stats.isCharacterDevice() ? 'c' : undefined;
  return (
    type && { type, path, ...splitDevice(stats.rdev), fileMode: stats.mode & 0o777, uid: stats.uid, gid: stats.gid }
  );
}

/** A device, or all devices of a directory. */
async function devicesAt({ PathOnHost: source, PathInContainer: target }: DeviceMapping): Promise<OciDevice[]> {
  const fail = (why: string, cause?: unknown) =>
    invalid(`error gathering device information while adding custom device ${JSON.stringify(source)}: ${why}`, cause);
  const real = await realpath(source).catch((error) => {
    throw fail('no such file or directory', error);
  });
  const stats = await stat(real);
  const found = stats.isDirectory()
    ? await walkDevices(real, target || source, false)
    : [deviceFrom(stats, target || source)];
  const devices = found.filter((device) => device !== undefined);
  if (devices.length === 0) throw fail('not a device node');
  return devices;
}

/** Made anew by the runtime, or not of this container. */
const SKIPPED: ReadonlySet<string> = new Set([
  'pts',
  'shm',
  'fd',
  'mqueue',
  '.lxc',
  '.lxd-mounts',
  '.udev',
  'console',
  'ptmx',
  'tty',
]);

async function walkDevices(directory: string, target: string, top: boolean): Promise<OciDevice[]> {
  const out: OciDevice[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (top && SKIPPED.has(entry.name)) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) out.push(...(await walkDevices(path, join(target, entry.name), false)));
    else if (entry.isCharacterDevice() || entry.isBlockDevice()) {
      // It may be gone meanwhile.
      const stats = await lstat(path).catch(() => undefined);
      const device = stats && deviceFrom(stats, join(target, entry.name));
      if (device) out.push(device);
    }
  }
  return out;
}

/** All devices of the host, for a privileged container. */
const hostDevices = () => walkDevices('/dev', '/dev', true);
