import { invalid } from '../../api/errors.ts';
import type { HostConfig } from '../../api/container.ts';

export interface DeviceRule {
  allow: boolean;
  type?: 'a' | 'b' | 'c';
  major?: number;
  minor?: number;
  access: string;
}

/** "c 10:200 rwm"; -1 in the result is "any". Throws invalid-parameter. */
export function parseDeviceRule(text: string): DeviceRule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (!match) throw invalid(`invalid device cgroup rule format: '${text}'`);
  const number = (value: string) => (value === '*' ? -1 : Number(value));
  return {
    allow: true,
    type: match[1] as 'a' | 'b' | 'c',
    major: number(match[2] as string),
    minor: number(match[3] as string),
    access: match[4] as string,
  };
}

/** Checks what can be told without looking at the device itself; a device may come later, so that is done at start. */
export function checkDevices(host: HostConfig): void {
  for (const rule of host.DeviceCgroupRules ?? []) parseDeviceRule(rule);
  for (const device of host.Devices ?? []) {
    const mode = device.CgroupPermissions || 'rwm';
    if (!/^[rwm]{1,3}$/.test(mode) || new Set(mode).size !== mode.length)
      throw invalid(`bad device specification: invalid mode: ${device.CgroupPermissions}`);
    const target = device.PathInContainer || device.PathOnHost;
    if (!target.startsWith('/')) throw invalid(`bad format for path: ${target}`);
  }
  const request = host.DeviceRequests?.[0];
  if (request)
    throw invalid(
      `could not select device driver ${JSON.stringify(request.Driver ?? '')} with capabilities: ${goList(request.Capabilities ?? [])}`,
    );
}

/** Go's %v of a [][]string. */
const goList = (lists: readonly (readonly string[])[]) => `[${lists.map((inner) => `[${inner.join(' ')}]`).join(' ')}]`;
