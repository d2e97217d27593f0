import type {
  ContainerRow,
  EngineStatus,
  ImageDetails,
  ImageRow,
  LayerProgress,
} from '../../electron/contract/model.ts';
import { readStatus } from '../../electron/contract/status-text.ts';

const hex = (seed: number) =>
  Array.from({ length: 64 }, (_, i) =>
    ((Math.imul(seed * 2654435761 + i * 40503, 2246822519 + i) >>> 27) & 15).toString(16),
  ).join('');
const now = Date.now();

export const demoEngine: EngineStatus = {
  state: 'ready',
  endpoint: 'unix:///run/berth/engine.sock',
  version: '0.1.0',
  apiVersion: '1.51',
  berth: true,
  kernel: '6.18.2-cloud-amd64',
  os: 'Debian GNU/Linux 12 (bookworm)',
  architecture: 'x86_64',
  cgroupVersion: '1',
  runtime: 'crun 1.8.1',
  cpus: 2,
  memory: 25_200_000_000,
  warnings: ['The kernel has no swap accounting: memory limits do not limit swap.'],
};

const port = (outer: number, inner: number, type = 'tcp') => [
  { IP: '0.0.0.0', PrivatePort: inner, PublicPort: outer, Type: type },
  { IP: '::', PrivatePort: inner, PublicPort: outer, Type: type },
];
type Sketch = Partial<ContainerRow> & Pick<ContainerRow, 'name' | 'image' | 'state' | 'status'>;
const sketches: Sketch[] = [
  {
    name: 'web',
    image: 'nginx:1.27',
    state: 'running',
    status: 'Up 3 minutes',
    ports: port(8080, 80),
    command: '/docker-entrypoint.sh nginx -g daemon off;',
  },
  {
    name: 'database',
    image: 'postgres:17-alpine',
    state: 'running',
    status: 'Up 2 hours (healthy)',
    ports: port(5432, 5432),
    command: 'docker-entrypoint.sh postgres',
  },
  {
    name: 'a-rather-long-container-name-that-does-not-fit-anywhere_1',
    image: '127.0.0.1:5000/some/deeply/nested/repository/debian:bookworm-20261101-slim',
    state: 'running',
    status: 'Up 41 seconds',
    ports: [...port(3000, 3000), ...port(9229, 9229), ...port(53, 53, 'udp')],
    command: "sh -c 'while true; do date; sleep 1; done'",
  },
  {
    name: 'cache',
    image: 'redis:7',
    state: 'paused',
    status: 'Up 2 hours (Paused)',
    ports: [{ PrivatePort: 6379, Type: 'tcp' }],
    command: 'docker-entrypoint.sh redis-server',
  },
  { name: 'flaky', image: 'busybox', state: 'restarting', status: 'Restarting (1) 4 seconds ago', command: 'false' },
  { name: 'job', image: 'busybox:latest', state: 'exited', status: 'Exited (0) 5 hours ago', command: 'true' },
  {
    name: 'oom',
    image: `sha256:${hex(5)}`,
    state: 'exited',
    status: 'Exited (137) 12 minutes ago',
    command: 'stress --vm 1',
  },
  { name: 'fresh', image: 'alpine:3.22', state: 'created', status: 'Created', command: 'sh' },
  { name: 'broken', image: 'alpine:3.22', state: 'dead', status: 'Dead', command: 'sh' },
];

export function demoContainers(count: number): ContainerRow[] {
  return Array.from({ length: count }, (_, index) => {
    const sketch = sketches[index % sketches.length] as Sketch;
    const round = Math.floor(index / sketches.length);
    return {
      id: hex(index + 1),
      imageId: `sha256:${hex(200)}`,
      command: '',
      created: now - (index + 1) * 1_740_000,
      ports: [],
      labels: {},
      networks: ['bridge'],
      mounts: [],
      ...sketch,
      ...readStatus(sketch.status),
      name: round ? `${sketch.name}-${round}` : sketch.name,
    };
  });
}

export const demoImages: ImageRow[] = [
  {
    id: `sha256:${hex(301)}`,
    tags: ['nginx:1.27', 'nginx:latest'],
    digests: [],
    created: now - 9 * 86_400_000,
    size: 192_300_000,
    usedBy: ['web'],
  },
  {
    id: `sha256:${hex(302)}`,
    tags: ['postgres:17-alpine'],
    digests: [],
    created: now - 21 * 86_400_000,
    size: 278_000_000,
    usedBy: ['database'],
  },
  {
    id: `sha256:${hex(303)}`,
    tags: ['127.0.0.1:5000/some/deeply/nested/repository/debian:bookworm-20261101-slim'],
    digests: [],
    created: now - 3_600_000,
    size: 74_800_000,
    usedBy: ['a-rather-long-container-name-that-does-not-fit-anywhere_1', 'x'],
  },
  {
    id: `sha256:${hex(304)}`,
    tags: ['alpine:3.22'],
    digests: [],
    created: now - 140 * 86_400_000,
    size: 8_310_000,
    usedBy: ['fresh', 'broken'],
  },
  {
    id: `sha256:${hex(305)}`,
    tags: ['busybox:latest'],
    digests: [],
    created: now - 400 * 86_400_000,
    size: 4_270_000,
    usedBy: [],
  },
  { id: `sha256:${hex(306)}`, tags: [], digests: [], created: now - 2 * 86_400_000, size: 81_000_000, usedBy: [] },
];

export function demoDetails(row: ImageRow): ImageDetails {
  const created = Math.round(row.created / 1000);
  const step = (CreatedBy: string, Size: number) => ({
    Id: '<missing>',
    Created: created,
    CreatedBy,
    Tags: null,
    Size,
    Comment: '',
  });
  return {
    inspect: {
      Id: row.id,
      RepoTags: row.tags,
      RepoDigests: [],
      Parent: '',
      Comment: '',
      Container: '',
      ContainerConfig: null,
      Created: new Date(row.created).toISOString(),
      DockerVersion: '',
      Author: '',
      Config: {
        Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'NGINX_VERSION=1.27.4'],
        Cmd: ['nginx', '-g', 'daemon off;'],
        Entrypoint: ['/docker-entrypoint.sh'],
        ExposedPorts: { '80/tcp': {} },
        StopSignal: 'SIGQUIT',
        Labels: { maintainer: 'The Maintainers' },
      },
      Architecture: 'amd64',
      Os: 'linux',
      Size: row.size,
      GraphDriver: { Name: 'overlay2', Data: null },
      RootFS: { Type: 'layers', Layers: [`sha256:${hex(11)}`, `sha256:${hex(12)}`] },
      Metadata: { LastTagTime: '' },
    },
    history: [
      step('CMD ["nginx" "-g" "daemon off;"]', 0),
      step('ENTRYPOINT ["/docker-entrypoint.sh"]', 0),
      step('COPY 30-tune-worker-processes.sh /docker-entrypoint.d # buildkit', 4_620),
      step(
        'RUN /bin/sh -c set -x     && groupadd --system --gid 101 nginx     && useradd --system --gid nginx --no-create-home --home /nonexistent --comment "nginx user" --shell /bin/false --uid 101 nginx     && apt-get update     && apt-get install --no-install-recommends --no-install-suggests -y gnupg1 ca-certificates # buildkit',
        117_400_000,
      ),
      step('/bin/sh -c #(nop)  CMD ["bash"]', 0),
      step(
        '/bin/sh -c #(nop) ADD file:4b1be1de1a1e5aa608c688cad2824587262081866180d7368feb79d33ca05953 in / ',
        74_800_000,
      ),
    ],
  };
}

/** The layers of an invented pull after `t` seconds. */
export function demoLayers(t: number): LayerProgress[] {
  const sizes = [29_126_484, 41_300_000, 628, 956, 403_000];
  return sizes.map((total, index) => {
    const start = index * 0.6;
    const id = hex(index + 40).slice(0, 12);
    if (index === 2) return { id, phase: 'exists', current: 0, total: 0 };
    const part = (t - start) / 4;
    if (part <= 0) return { id, phase: 'waiting', current: 0, total: 0 };
    if (part < 1) return { id, phase: 'downloading', current: Math.round(total * part), total };
    if (part < 1.15) return { id, phase: 'verifying', current: 0, total };
    if (part < 1.8) return { id, phase: 'unpacking', current: Math.round((total * (part - 1.15)) / 0.65), total };
    return { id, phase: 'done', current: total, total };
  });
}
