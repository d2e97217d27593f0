/** Capability names (capabilities(7)), as the `docker` command takes them, and ALL. */
export const capabilityNames: readonly string[] = (
  'ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID ' +
  'IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW ' +
  'PERFMON SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO ' +
  'SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG WAKE_ALARM'
).split(' ');

/** "cap_net_admin" → "NET_ADMIN" */
export const capabilityName = (text: string): string => text.trim().toUpperCase().replace(/^CAP_/, '');

/** What is wrong with a list of capabilities; "" when nothing is. */
export function capabilityProblem(names: readonly string[]): string {
  const unknown = names.filter((name) => !capabilityNames.includes(name));
  return unknown.length > 0 ? `Unknown capability: ${unknown.join(', ')}` : '';
}
