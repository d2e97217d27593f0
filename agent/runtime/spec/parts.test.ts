import { describe, expect, it } from 'vitest';
import { chooseCapabilities } from './capabilities.ts';
import { clampOomScore } from './build-spec.ts';
import { mergeEnvironment, containerEnvironment } from './environment.ts';
import { parseCapabilities, parseHardLimits } from './kernel-facts.ts';
import { rlimitsOf } from './rlimits.ts';
import { translate } from './seccomp.ts';
import { splitDevice } from './spec-resources.ts';
import { signalNumber } from './signals.ts';
import { someFacts } from './testing.ts';
import { mergeTmpfsOptions, tmpfsRequestOptions } from './tmpfs.ts';
import { findUser, parseGroup, parsePasswd } from './user.ts';

const facts = someFacts();

describe('capabilities', () => {
  const choose = (add: string[], drop: string[], privileged = false) =>
    chooseCapabilities({ add, drop, privileged }, facts.capabilities);
  it('gives Docker’s fourteen', () => expect(choose([], [])).toHaveLength(14));
  it('adds and drops', () => {
    const got = choose(['net_admin'], ['CHOWN']);
    expect([got.includes('CAP_NET_ADMIN'), got.includes('CAP_CHOWN'), got.length]).toEqual([true, false, 14]);
  });
  it('drops ALL but what is added', () => expect(choose(['NET_RAW'], ['ALL'])).toEqual(['CAP_NET_RAW']));
  it('adds ALL but what is dropped', () =>
    expect(choose(['ALL'], ['SYS_ADMIN'])).toHaveLength(facts.capabilities.size - 1));
  it('never gives what the engine has not', () => expect(choose([], [], true)).not.toContain('CAP_SYS_RESOURCE'));
  it('reads a mask', () => expect(parseCapabilities('00000000a80425fb').size).toBe(14));
});

describe('users', () => {
  const passwd = parsePasswd(
    'root:x:0:0:root:/root:/bin/sh\n# no\nbroken\nbob:x:1000:1000::/home/bob:/bin/sh\n2000:x:5:5::/odd:\n',
  );
  const groups = parseGroup('root:x:0:\nbob:x:1000:\nwheel:x:10:bob,root\n');
  const find = (spec: string) => findUser(spec, passwd, groups);
  it.each([
    ['', { uid: 0, gid: 0, groups: [10], home: '/root' }],
    ['bob', { uid: 1000, gid: 1000, groups: [10], home: '/home/bob' }],
    ['1000', { uid: 1000, gid: 1000, groups: [10], home: '/home/bob' }],
    ['bob:wheel', { uid: 1000, gid: 10, groups: [], home: '/home/bob' }],
    ['4711', { uid: 4711, gid: 0, groups: [], home: '/' }],
    ['4711:4712', { uid: 4711, gid: 4712, groups: [], home: '/' }],
    ['2000', { uid: 5, gid: 5, groups: [], home: '/odd' }],
  ])('%s', (spec, expected) => expect(find(spec)).toEqual(expected));
  it.each([
    ['alice', 'unable to find user alice: no matching entries in passwd file'],
    ['bob:crew', 'unable to find group crew: no matching entries in group file'],
    ['-1', 'uids and gids must be in range 0-2147483647'],
    ['2147483648', 'uids and gids must be in range 0-2147483647'],
  ])('%s is refused', (spec, message) => expect(() => find(spec)).toThrow(message));
});

describe('environment', () => {
  it('replaces by name, and takes away what has no value', () =>
    expect(mergeEnvironment(['A=1', 'B=2'], ['A=3', 'B', 'C=4'])).toEqual(['A=3', 'C=4']));
  it('knows where home is, unless it was told', () => {
    const env = (own: string[]) => containerEnvironment({ hostname: 'h', tty: true, env: own, home: '/root' });
    expect(env([])).toEqual(expect.arrayContaining(['HOSTNAME=h', 'TERM=xterm', 'HOME=/root']));
    expect(env(['HOME=/x']).filter((entry) => entry.startsWith('HOME='))).toEqual(['HOME=/x']);
  });
});

describe('resource limits of processes', () => {
  const limits = (name: string, soft: number, hard: number, free = false) =>
    JSON.stringify(
      rlimitsOf([{ Name: name, Soft: soft, Hard: hard }], {
        ...facts,
        capabilities: new Set(free ? ['CAP_SYS_RESOURCE'] : []),
        hardLimits: { nproc: 100, nofile: 20_000 },
        maxOpenFiles: 50_000,
      }),
    );
  it('clamps to what the engine may give', () => {
    expect(limits('nofile', 1e6, 1e6)).toBe('[{"type":"RLIMIT_NOFILE","soft":20000,"hard":20000}]');
    expect(limits('nproc', 50, 200)).toBe('[{"type":"RLIMIT_NPROC","soft":50,"hard":100}]');
    expect(limits('nofile', 1e6, 1e6, true)).toBe('[{"type":"RLIMIT_NOFILE","soft":50000,"hard":50000}]');
  });
  it('writes "unlimited" to the digit', () =>
    expect(limits('core', -1, -1)).toBe(
      '[{"type":"RLIMIT_CORE","soft":18446744073709551615,"hard":18446744073709551615}]',
    ));
  it('reads /proc/self/limits', () =>
    expect(
      parseHardLimits(
        'Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 4096                 files     \nMax core file size        0                    unlimited            bytes\n',
      ),
    ).toEqual({ nofile: 4096 }));
  it('goes no lower with the OOM score than the engine may', () =>
    expect([clampOomScore(-500, false, 0), clampOomScore(-500, true, 0), clampOomScore(300, false, 0)]).toEqual([
      0, -500, 300,
    ]));
});

describe('tmpfs', () => {
  it('puts the user’s options after the defaults', () =>
    expect(mergeTmpfsOptions('exec,size=1m,mode=1777')).toEqual([
      'nosuid',
      'nodev',
      'rprivate',
      'exec',
      'size=1m',
      'mode=1777',
    ]));
  it('the later of two wins', () => expect(mergeTmpfsOptions('size=1m,size=2m')).toContain('size=2m'));
  it('translates --mount', () =>
    expect(
      tmpfsRequestOptions({ ReadOnly: true, TmpfsOptions: { SizeBytes: 1024, Mode: 0o755, Options: [['exec']] } }),
    ).toBe('ro,mode=755,size=1024,exec'));
});

describe('seccomp profiles', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ALLOW' },
      { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
      { names: ['mount'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, excludes: { caps: ['CAP_SYS_ADMIN'] } },
      { names: ['ptrace'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.8' } },
      { names: ['new'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '7.0' } },
      { names: ['armonly'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['arm64'] } },
    ],
  };
  const names = (caps: string[]) =>
    (
      translate(profile, new Set(caps), '6.1.0-13', 'amd64') as { syscalls: { names: string[]; action: string }[] }
    ).syscalls.map((rule) => `${rule.names[0]} ${rule.action.slice(9)}`);
  it('keeps the rules that hold here', () => {
    expect(names([])).toEqual(['read ALLOW', 'mount ERRNO', 'ptrace ALLOW']);
    expect(names(['CAP_SYS_ADMIN'])).toEqual(['read ALLOW', 'mount ALLOW', 'ptrace ALLOW']);
  });
  it('names the architectures', () =>
    expect(translate(profile, new Set(), '6.1', 'amd64')).toMatchObject({
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
      defaultErrnoRet: 38,
    }));
});

describe('small things', () => {
  it.each([
    ['SIGTERM', 15],
    ['kill', 9],
    ['RTMIN+3', 37],
    ['SIGRTMAX-1', 63],
    ['15', 15],
  ])('signal %s is %i', (name, number) => expect(signalNumber(name)).toBe(number));
  it.each([['RTMAX+1'], ['0'], ['65'], ['']])('signal %j is none', (name) =>
    expect(() => signalNumber(name)).toThrow(`invalid signal: ${name}`),
  );
  it('splits device numbers', () => {
    expect(splitDevice(0x0501)).toEqual({ major: 5, minor: 1 });
    // minor numbers beyond 255 have their upper bits above the major's
    expect(splitDevice(0x0010_0804)).toEqual({ major: 8, minor: 0x104 });
  });
});
