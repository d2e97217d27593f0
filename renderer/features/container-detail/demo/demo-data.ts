import type { ContainerInspect } from '../../../../agent/api/container.ts';
import type { ContainerRow, Isolation } from '../../../../electron/contract/model.ts';
import { readStatus } from '../../../../electron/contract/status-text.ts';

const id = '9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0';
export const demoRow: ContainerRow = {
  id,
  name: 'shop-frontend',
  image: '127.0.0.1:5000/team/shop/frontend-with-a-long-name:2026.11.23-rc1',
  imageId: `sha256:${'ab'.repeat(32)}`,
  command: "nginx -g 'daemon off;'",
  state: 'running',
  status: 'Up 3 hours',
  ...readStatus('Up 3 hours'),
  created: Date.now() - 11_000_000,
  ports: [
    { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    { IP: '::', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    { PrivatePort: 443, Type: 'tcp' },
  ],
  labels: {},
  networks: ['bridge'],
  mounts: [],
};
export const demoInspect = {
  Id: id,
  Created: '2026-11-23T17:11:12.123456789Z',
  Path: 'nginx',
  Args: ['-g', 'daemon off;'],
  Image: demoRow.imageId,
  Name: '/shop-frontend',
  RestartCount: 2,
  Driver: 'overlay2',
  Platform: 'linux',
  State: {
    Status: 'running',
    Running: true,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 4711,
    ExitCode: 0,
    Error: '',
    StartedAt: '2026-11-23T17:11:13.5Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  Config: {
    Image: demoRow.image,
    Hostname: '9f8e7d6c5b4a',
    Env: [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'NGINX_VERSION=1.27.3',
      'DATABASE_URL=postgres://app@database:5432/shop?sslmode=disable&application_name=frontend',
    ],
    Entrypoint: ['/docker-entrypoint.sh'],
    Cmd: ['nginx'],
    WorkingDir: '/app',
    Labels: { 'org.opencontainers.image.source': 'https://example.org/team/shop' },
  },
  HostConfig: {
    NetworkMode: 'bridge',
    Memory: 268_435_456,
    MemorySwap: 536_870_912,
    NanoCpus: 1_500_000_000,
    PidsLimit: 200,
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 5 },
    CapAdd: ['NET_ADMIN'],
    SecurityOpt: ['no-new-privileges'],
  },
  NetworkSettings: {
    Ports: {
      '80/tcp': [
        { HostIp: '0.0.0.0', HostPort: '8080' },
        { HostIp: '::', HostPort: '8080' },
      ],
      '443/tcp': null,
    },
    Networks: { bridge: { IPAddress: '172.17.0.2', Gateway: '172.17.0.1', MacAddress: '02:42:ac:11:00:02' } },
  },
  Mounts: [
    {
      Type: 'volume',
      Name: 'assets',
      Source: '/var/lib/berth/volumes/assets/_data',
      Destination: '/usr/share/nginx/html',
      Mode: '',
      RW: true,
      Propagation: '',
    },
    {
      Type: 'bind',
      Source: '/home/dev/shop/nginx.conf',
      Destination: '/etc/nginx/nginx.conf',
      Mode: 'ro',
      RW: false,
      Propagation: 'rprivate',
    },
  ],
} as unknown as ContainerInspect;

const types = ['pid', 'mnt', 'net', 'uts', 'ipc', 'cgroup', 'user'] as const;
export const demoIsolation: Isolation = {
  id,
  pid: 4711,
  namespaces: types.map((type, index) => ({
    type,
    inode: 4_026_532_300 + index,
    host: type === 'user',
    sharedWith: type === 'net' ? ['0123456789abcdef'] : [],
  })),
  cgroup: {
    version: 1,
    path: `/berth/${id}`,
    files: {
      'memory.limit_in_bytes': '268435456\n',
      'memory.usage_in_bytes': '191234048\n',
      'cpu.cfs_quota_us': '150000\n',
      'cpu.stat': 'nr_periods 1234\nnr_throttled 12\nthrottled_time 123456789\n',
      'pids.max': '200\n',
      'pids.current': '7\n',
      'devices.list': 'c 1:5 rwm\nc 1:3 rwm\n',
    },
  },
  capabilities: {
    effective: [
      'CAP_CHOWN',
      'CAP_DAC_OVERRIDE',
      'CAP_FSETID',
      'CAP_FOWNER',
      'CAP_MKNOD',
      'CAP_NET_RAW',
      'CAP_SETGID',
      'CAP_SETUID',
      'CAP_SETFCAP',
      'CAP_SETPCAP',
      'CAP_NET_BIND_SERVICE',
      'CAP_SYS_CHROOT',
      'CAP_KILL',
      'CAP_AUDIT_WRITE',
      'CAP_NET_ADMIN',
    ],
    bounding: ['CAP_CHOWN', 'CAP_NET_ADMIN', 'CAP_SYS_PTRACE'],
  },
  seccomp: 'filter',
  noNewPrivileges: true,
  uidMap: '         0          0 4294967295\n',
};
