import { invalid } from '../api/errors.ts';
import { MS } from '../system/syscalls.ts';

const KNOWN: ReadonlySet<string> = new Set(['type', 'o', 'device', 'size']);
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  device: ['type'],
  type: ['device'],
  o: ['device', 'type'],
};

/** Checks the options of the local driver. Throws invalid-parameter with dockerd's message. */
export function checkVolumeOptions(name: string, options: Readonly<Record<string, string>>): void {
  const fail = (why: string) => invalid(`create ${name}: ${why}`);
  for (const option of Object.keys(options))
    if (!KNOWN.has(option)) throw fail(`invalid option: ${JSON.stringify(option)}`);
  if (options['size'] !== undefined) throw fail('quota size requested but no quota support');
  for (const [option, needed] of Object.entries(NEEDS)) {
    if (options[option] === undefined) continue;
    for (const other of needed)
      if (options[other] === undefined) throw fail(`missing required option: ${JSON.stringify(other)}`);
  }
  if (options['type'] === 'cifs' && /^(?:[a-z]+:)?\/\/[^/]*:\d+/.test(options['device'] ?? ''))
    throw fail("port not allowed in CIFS device URL, include 'port' in 'o='");
}

/** Options that are flags of mount(2), with whether they set or clear. */
const FLAGS: Readonly<Record<string, readonly [number, boolean]>> = {
  ro: [MS.RDONLY, true],
  rw: [MS.RDONLY, false],
  nosuid: [MS.NOSUID, true],
  suid: [MS.NOSUID, false],
  nodev: [MS.NODEV, true],
  dev: [MS.NODEV, false],
  noexec: [MS.NOEXEC, true],
  exec: [MS.NOEXEC, false],
  bind: [MS.BIND, true],
  rbind: [MS.BIND | MS.REC, true],
  noatime: [1024, true],
  nodiratime: [2048, true],
  relatime: [1 << 21, true],
  sync: [16, true],
  defaults: [0, true],
};

/** Splits "o" into what mount(2) wants: flags, and text for the file system. */
export function mountFlags(o: string): { flags: number; data: string } {
  let flags = 0;
  const data: string[] = [];
  for (const option of o.split(',').filter(Boolean)) {
    const flag = FLAGS[option];
    if (!flag) data.push(option);
    else flags = flag[1] ? flags | flag[0] : flags & ~flag[0];
  }
  return { flags, data: data.join(',') };
}

/** Passwords stay out of messages and logs. */
export const withoutPassword = (text: string) => text.replace(/password=[^,]*/g, 'password=********');
