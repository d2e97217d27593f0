import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { modern, refuses, shows, type OptionRow } from './row.ts';

/** Without the module no profile can be applied; with it this one is not loaded. */
const apparmorAnswer = existsSync('/sys/kernel/security/apparmor')
  ? { code: 126 }
  : { code: 125, err: 'apparmor is not enabled' };

const bounding = 'grep CapBnd /proc/self/status | cut -f 2';

/** Namespaces, capabilities, devices and filters. */
/* prettier-ignore */
export const ISOLATION_ROWS: readonly OptionRow[] = [
  shows('cap-add', 'adds to the defaults', '--cap-add NET_ADMIN', bounding, '00000000a80435fb'),
  shows('cap-add', 'takes any case, with or without CAP_', '--cap-add cap_sys_time', bounding, '00000000aa0425fb'),
  refuses('cap-add', 'knows them by name', '--cap-add FLY', 'invalid CapAdd: unknown capability: "CAP_FLY"'),
  shows('cap-drop', 'takes away', '--cap-drop CHOWN', `${bounding}; chown 1 /tmp 2>&1 || true`, /^00000000a80425fa\n.*Operation not permitted/),
  shows('cap-drop cap-add', 'take all and give one back', '--cap-drop ALL --cap-add KILL', bounding, '0000000000000020'),
  refuses('cap-drop', 'knows them by name', '--cap-drop FLY', 'invalid CapDrop: unknown capability: "CAP_FLY"'),
  shows('security-opt', 'denies namespaces by default', '', 'for kind in U n m p i u; do unshare -$kind true; done 2>&1 | grep -c "Operation not permitted"', '6'),
  shows('security-opt cap-add', 'allows them with SYS_ADMIN', '--cap-add SYS_ADMIN', 'for kind in U n m p i u; do unshare -$kind echo $kind; done | tr -d "\\n"', 'Unmpiu'),
  shows('security-opt', 'allows them to users without a filter', '--security-opt seccomp=unconfined -u 1', 'unshare -U id -u', '65534'),
  modern(shows('security-opt', 'of seccomp=builtin is the default', '--security-opt seccomp=builtin', 'unshare -U true 2>&1 || true', 'unshare: unshare(0x10000000): Operation not permitted')),
  {
    option: 'security-opt',
    does: 'takes a profile of the user',
    check: async (b) => {
      const file = join(b.directory, 'profile.json');
      const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 30 };
      await writeFile(file, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }));
      expect(await b.out(`--security-opt seccomp=${file}`, 'mkdir /x 2>&1 || unshare -U id -u')).toMatch(/Read-only file system\n65534$/);
      await writeFile(file, '{"defaultAction":"SCMP_ACT_NOTHING"}');
      expect((await b.sh(`--security-opt seccomp=${file}`, 'true')).stderr).toMatch(/seccomp profile/);
      await writeFile(file, '{');
      expect((await b.sh(`--security-opt seccomp=${file}`, 'true')).code).toBe(125);
    },
  },
  shows('security-opt', 'of no-new-privileges takes set-uid its effect', '--security-opt no-new-privileges', 'grep NoNewPrivs /proc/self/status', 'NoNewPrivs:\t1'),
  shows('security-opt', 'of no-new-privileges=false is the default', '--security-opt no-new-privileges=false', 'grep NoNewPrivs /proc/self/status', 'NoNewPrivs:\t0'),
  shows('security-opt', 'of label=disable is taken', '--security-opt label=disable', 'echo ran', 'ran'),
  shows('security-opt', 'of systempaths=unconfined unmasks /proc', '--security-opt systempaths=unconfined', 'grep -cE " (/proc/[a-z]|/sys/firmware)" /proc/mounts; test -w /proc/sys/kernel/shmmax && echo writable', /^0\nwritable$/),
  shows('security-opt', 'masks and protects them by default', '', 'grep -oE " (/proc/(bus|fs|irq|sys|sysrq-trigger)) [a-z]+ ro" /proc/mounts | wc -l; cat /proc/kcore | wc -c; ls /sys/firmware | wc -l', /^[45]\n0\n0$/),
  { option: 'security-opt', does: 'of an AppArmor profile needs AppArmor', opts: '--security-opt apparmor=quay', ...apparmorAnswer },
  shows('security-opt', 'of apparmor=unconfined is taken', '--security-opt apparmor=unconfined', 'echo ran', 'ran'),
  refuses('security-opt', 'has known names', '--security-opt colour=red', 'invalid --security-opt 2: "colour=red"'),
  refuses('security-opt', 'has a form', '--security-opt nonsense', 'Invalid --security-opt: "nonsense"'),
  shows('privileged', 'gives devices, capabilities and writable /sys', '--privileged', 'test -e /dev/loop-control && echo devices; mkdir /m && mount -t tmpfs t /m && echo mounts; grep Seccomp: /proc/self/status; grep -c " /sys sysfs rw" /proc/mounts; test -w /proc/sys && echo written', 'devices\nmounts\nSeccomp:\t0\n1\nwritten'),
  shows('device', 'brings a device, to be opened', '--device /dev/loop-control', 'stat -c %F /dev/loop-control; : < /dev/loop-control && echo opened', 'character special file\nopened'),
  shows('device', 'brings it under another name, for reading only', '--device /dev/zero:/dev/nil:r', 'head -c 3 /dev/nil | wc -c', '3'),
  shows('device', 'forbids what was not asked for', '--device /dev/loop-control:/dev/lc:r', '(: < /dev/lc) && echo read; (: > /dev/lc) 2>/dev/null || echo unwritten', 'read\nunwritten'),
  shows('device', 'brings a directory of devices', '--device /dev/cpu', 'ls /dev/cpu/0 | tr "\\n" " "', /cpuid|msr/),
  refuses('device', 'must be there', '--device /dev/nope', 'error gathering device information while adding custom device "/dev/nope": no such file or directory', 127),
  refuses('device', 'must be one', '--device /etc/passwd', 'error gathering device information while adding custom device "/etc/passwd": not a device node'),
  refuses('device', 'has known permissions', '--device /dev/zero:/dev/z:x', /invalid mode|bad mode/, 125),
  shows('device-cgroup-rule', 'allows what was not there at the start', ['--device-cgroup-rule', 'c 10:237 rmw'], 'mknod /tmp/lc c 10 237 && : < /tmp/lc && echo opened', 'opened'),
  { option: 'device-cgroup-rule', does: 'is needed for that', script: 'mknod /tmp/lc c 10 237; : < /tmp/lc', code: 1, err: 'Operation not permitted' },
  refuses('device-cgroup-rule', 'has a form', ['--device-cgroup-rule', 'x 1:2 r'], "invalid device cgroup format 'x 1:2 r'"),
  refuses('gpus', 'is refused where no driver is', '--gpus all', 'could not select device driver "" with capabilities: [[gpu]]'),
  shows('sysctl', 'sets what belongs to the container', '--sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=4321 --sysctl fs.mqueue.msg_max=7', 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max', '1\n4321\n7'),
  modern(refuses('sysctl', 'sets nothing of the host', '--sysctl kernel.panic=1', "sysctl 'kernel.panic=1' is not allowed")),
  refuses('sysctl', 'needs a namespace of its own', '--ipc host --sysctl kernel.msgmax=1', "sysctl \"kernel.msgmax\" is not allowed in the hosts ipc namespace"),
];
