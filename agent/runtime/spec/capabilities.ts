import { invalid } from '../../api/errors.ts';

/** By number, <linux/capability.h>. */
export const CAPABILITY_NAMES: readonly string[] = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST ' +
  'NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE ' +
  'SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM ' +
  'BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

/** What Docker gives when nothing is said. */
const DEFAULT: readonly string[] =
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'
    .split(' ')
    .map((name) => `CAP_${name}`);

const ALL = 'ALL';

/** Upper case with CAP_; "ALL" stays. Throws invalid-parameter for an unknown name, or one this machine cannot give. */
export function normalizeCapabilities(
  names: readonly string[],
  available: ReadonlySet<string>,
  field: string,
): string[] {
  return names.map((given) => {
    const upper = given.toUpperCase();
    if (upper === ALL) return ALL;
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (!CAPABILITY_NAMES.includes(name)) throw invalid(`invalid ${field}: unknown capability: "${name}"`);
    if (!available.has(name))
      throw invalid(
        `invalid ${field}: capability not supported by your kernel or not available in the current environment: "${name}"`,
      );
    return name;
  });
}

export interface CapabilityChoice {
  add: readonly string[];
  drop: readonly string[];
  privileged: boolean;
}

/** What the container's processes may have: Docker's rule, and never more than `available`. */
export function chooseCapabilities(
  { add, drop, privileged }: CapabilityChoice,
  available: ReadonlySet<string>,
): string[] {
  const all = CAPABILITY_NAMES.filter((name) => available.has(name));
  if (privileged) return all;
  const added = normalizeCapabilities(add, available, 'CapAdd');
  const dropped = new Set(normalizeCapabilities(drop, new Set(CAPABILITY_NAMES), 'CapDrop'));
  if (added.includes(ALL)) return all.filter((name) => !dropped.has(name));
  if (dropped.has(ALL)) return [...new Set(added)];
  const kept = DEFAULT.filter((name) => available.has(name) && !dropped.has(name));
  return [...new Set([...kept, ...added])];
}
