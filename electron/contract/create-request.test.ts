import { describe, expect, it } from 'vitest';
import { toCommandLine } from './command-line.ts';
import { toCreateRequest } from './create-request.ts';
import { emptyRunRequest, type RunRequest } from './run-request.ts';

const form = (change: Partial<RunRequest>): RunRequest => ({ ...emptyRunRequest('alpine'), ...change });
const port = (hostIp: string, hostPort: string, containerPort: string, protocol: 'tcp' | 'udp' = 'tcp') => ({
  hostIp,
  hostPort,
  containerPort,
  protocol,
});
const mount = (kind: 'volume' | 'bind' | 'tmpfs', source: string, target: string, readOnly = false) => ({
  kind,
  source,
  target,
  readOnly,
});

describe('a form becomes a body and a command line that mean the same', () => {
  // Bodies as `docker run` (28.2) sends them, without their empty values.
  const table: [change: Partial<RunRequest>, body: object, host: object, line: string][] = [
    [{}, {}, {}, 'docker run -d alpine'],
    [{ name: 'web' }, {}, {}, 'docker run -d --name web alpine'],
    [
      { command: `sh -c 'echo "hi there"'` },
      { Cmd: ['sh', '-c', 'echo "hi there"'] },
      {},
      `docker run -d alpine sh -c 'echo "hi there"'`,
    ],
    [
      { entrypoint: '/bin/sh -c', command: '"a b"' },
      { Entrypoint: ['/bin/sh'], Cmd: ['-c', 'a b'] },
      {},
      "docker run -d --entrypoint /bin/sh alpine -c 'a b'",
    ],
    [
      {
        environment: [
          { name: 'A', value: "it's" },
          { name: '', value: '' },
        ],
      },
      { Env: ["A=it's"] },
      {},
      `docker run -d -e 'A=it'\\''s' alpine`,
    ],
    [
      { ports: [port('', '8080', '80'), port('127.0.0.1', '', '53', 'udp'), port('::1', '1', '80')] },
      { ExposedPorts: { '80/tcp': {}, '53/udp': {} } },
      {
        PortBindings: {
          '80/tcp': [
            { HostIp: '', HostPort: '8080' },
            { HostIp: '::1', HostPort: '1' },
          ],
          '53/udp': [{ HostIp: '127.0.0.1', HostPort: '' }],
        },
      },
      "docker run -d -p 8080:80 -p 127.0.0.1::53/udp -p '[::1]:1:80' alpine",
    ],
    [
      { ports: [port('', '8000-8001', '80-81'), port('', '9000-9010', '90')] },
      { ExposedPorts: { '80/tcp': {}, '81/tcp': {}, '90/tcp': {} } },
      {
        PortBindings: {
          '80/tcp': [{ HostIp: '', HostPort: '8000' }],
          '81/tcp': [{ HostIp: '', HostPort: '8001' }],
          '90/tcp': [{ HostIp: '', HostPort: '9000-9010' }],
        },
      },
      'docker run -d -p 8000-8001:80-81 -p 9000-9010:90 alpine',
    ],
    [
      {
        mounts: [
          mount('bind', '/a b', '/c', true),
          mount('volume', 'v1', '/d'),
          mount('volume', '', '/e'),
          mount('tmpfs', '', '/f', true),
        ],
      },
      { Volumes: { '/e': {} } },
      { Binds: ['/a b:/c:ro', 'v1:/d'], Tmpfs: { '/f': 'ro' } },
      "docker run -d -v '/a b:/c:ro' -v v1:/d -v /e --tmpfs /f:ro alpine",
    ],
    [
      { memory: '512m', cpus: '1.5', cpuset: '0-1', pids: '-1' },
      {},
      { Memory: 536_870_912, NanoCpus: 1_500_000_000, CpusetCpus: '0-1', PidsLimit: -1 },
      'docker run -d --memory 512m --cpus 1.5 --cpuset-cpus 0-1 --pids-limit -1 alpine',
    ],
    [
      { restart: 'on-failure', restartRetries: 3, user: '1000:1000', workingDir: '/w', hostname: 'h', network: 'mine' },
      { User: '1000:1000', WorkingDir: '/w', Hostname: 'h' },
      { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 }, NetworkMode: 'mine' },
      'docker run -d --hostname h --network mine --user 1000:1000 --workdir /w --restart on-failure:3 alpine',
    ],
    [
      {
        privileged: true,
        readOnly: true,
        init: true,
        tty: true,
        interactive: true,
        autoRemove: true,
        capAdd: ['net_admin', 'ALL'],
        capDrop: ['CAP_CHOWN'],
      },
      { Tty: true, OpenStdin: true },
      {
        Privileged: true,
        ReadonlyRootfs: true,
        Init: true,
        AutoRemove: true,
        CapAdd: ['ALL', 'CAP_NET_ADMIN'],
        CapDrop: ['CAP_CHOWN'],
      },
      'docker run -d -i -t --rm --init --privileged --cap-add net_admin --cap-add ALL --cap-drop CAP_CHOWN --read-only alpine',
    ],
  ];
  it.each(table)('%j', (change, body, host, line) => {
    const made = toCreateRequest(form(change));
    expect(made).toEqual({
      ok: true,
      name: change.name ?? '',
      body: { Image: 'alpine', ...body, HostConfig: { NetworkMode: 'bridge', ...host } },
    });
    expect(toCommandLine(form(change))).toBe(line);
  });
});

describe('what is wrong is told beside its field', () => {
  const table: [change: Partial<RunRequest>, field: string, message: string | RegExp][] = [
    [{ image: '' }, 'image', /invalid reference format/],
    [{ image: 'Alpine' }, 'image', 'invalid reference format: repository name (Alpine) must be lowercase'],
    [{ image: 'a b' }, 'image', 'invalid reference format'],
    [{ image: 'a:b:c' }, 'image', 'invalid reference format'],
    [{ name: '-x' }, 'name', 'Invalid container name (-x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'],
    [{ command: 'echo "x' }, 'command', /not closed/],
    [{ entrypoint: 'x\\' }, 'entrypoint', /backslash/],
    [{ environment: [{ name: '', value: 'x' }] }, 'environment.0.name', 'invalid environment variable: =x'],
    [{ ports: [port('', '80', '')] }, 'ports.0.containerPort', 'no port specified'],
    [{ ports: [port('', '', '0')] }, 'ports.0.containerPort', 'invalid containerPort: 0'],
    [{ ports: [port('', '', '80'), port('', '65536', '80')] }, 'ports.1.hostPort', 'invalid hostPort: 65536'],
    [{ ports: [port('', '', '90-80')] }, 'ports.0.containerPort', 'invalid containerPort: 90-80'],
    [
      { ports: [port('', '1-3', '1-2')] },
      'ports.0.hostPort',
      'invalid ranges specified for container and host Ports: 1-2 and 1-3',
    ],
    [{ ports: [port('1.2.3', '', '80')] }, 'ports.0.hostIp', 'invalid IP address: 1.2.3'],
    [{ ports: [port('::g', '', '80')] }, 'ports.0.hostIp', 'invalid IP address: ::g'],
    [{ mounts: [mount('bind', 'rel', '/a')] }, 'mounts.0.source', /absolute/],
    [
      { mounts: [mount('volume', 'vol', 'a')] },
      'mounts.0.target',
      "invalid mount path: 'a' mount path must be absolute",
    ],
    [{ mounts: [mount('volume', 'vol', '/')] }, 'mounts.0.target', "invalid specification: destination can't be '/'"],
    [{ mounts: [mount('volume', '/v', '/a')] }, 'mounts.0.source', /invalid characters for a local volume name/],
    [
      { mounts: [mount('volume', 'vol', '/a'), mount('tmpfs', '', '/a')] },
      'mounts.1.target',
      'Duplicate mount point: /a',
    ],
    [{ memory: '5 apples' }, 'memory', "invalid size: '5 apples'"],
    [{ memory: '5m' }, 'memory', 'Minimum memory limit allowed is 6MB'],
    [{ cpus: 'two' }, 'cpus', 'failed to parse two as a rational number'],
    [{ cpus: '0.1234567891' }, 'cpus', 'value is too precise'],
    [{ cpuset: '1-' }, 'cpuset', 'Invalid value 1- for cpuset cpus'],
    [{ pids: 'many' }, 'pids', /not a whole number/],
    [{ hostname: 'two words' }, 'hostname', "invalid hostname 'two words': at most 64 letters, digits and hyphens"],
    [{ workingDir: 'w' }, 'workingDir', "the working directory 'w' is invalid, it needs to be an absolute path"],
    [
      { autoRemove: true, restart: 'always' },
      'autoRemove',
      'conflicting options: cannot specify both --restart and --rm',
    ],
  ];
  it.each(table)('%j', (change, field, message) => {
    const made = toCreateRequest(form(change));
    if (made.ok) throw new Error('accepted');
    expect(made.errors).toHaveLength(1);
    expect(made.errors[0]?.field).toBe(field);
    expect(made.errors[0]?.message).toMatch(
      message instanceof RegExp ? message : new RegExp(`^${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`),
    );
  });

  it('tells all of them at once', () => {
    const made = toCreateRequest(form({ memory: 'x', cpus: 'y', name: '!' }));
    expect(!made.ok && made.errors.map(({ field }) => field)).toEqual(['name', 'memory', 'cpus']);
  });
});

describe('image references', () => {
  it.each([
    'alpine',
    '127.0.0.1:5000/debian:1',
    '[::1]:5000/a/b',
    'a/b__c/d-e--f',
    `a@sha256:${'0'.repeat(64)}`,
    `r.example/a:T@sha256:${'f'.repeat(64)}`,
    'f'.repeat(64),
  ])('takes %s', (image) => {
    expect(toCreateRequest(form({ image })).ok).toBe(true);
  });
  it.each(['a//b', '/a', 'a:', 'a@sha256:12', 'http://a', 'a_', 'ä'])('refuses %s', (image) => {
    expect(toCreateRequest(form({ image })).ok).toBe(false);
  });
});
