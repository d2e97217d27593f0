import type { EngineChoices, EngineDefaults } from '../../electron/contract/engines.ts';
import { STEPS, type MachineSettings, type MachineState, type MachineStatus } from '../../electron/contract/machine.ts';
import { PushStream, type FakeOverrides } from './fake-client.ts';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const times = [41, 220, 1180, 1650, 1890, 3720, 5610];

const settings: MachineSettings = {
  cpus: 2,
  memory: 2048,
  disk: 64,
  folders: [
    { path: '~', writable: true },
    { path: '/srv/reference-data', writable: false },
  ],
  start: 'application',
  idleMinutes: 30,
};

export function demoStatus(state: MachineState): MachineStatus {
  const reached =
    state === 'running' || state === 'stopping' ? STEPS.length : state === 'starting' || state === 'failed' ? 4 : 0;
  const base: MachineStatus = {
    state,
    socket: '/run/user/1000/berth-machine/engine.sock',
    console: '/home/me/.local/share/berth/machine/console.log',
    driver: 'qemu',
    accelerator: 'tcg',
    settings,
    steps: STEPS.map((step, index) => (index < reached ? { step, at: times[index] as number } : { step })),
    warnings:
      reached > 0 ? ['No hardware virtualisation here: the machine is emulated, and about ten times slower.'] : [],
  };
  if (state === 'failed')
    return {
      ...base,
      error: 'the data disk could not be mounted: it is full',
      steps: base.steps.map((step) =>
        step.step === 'mounted'
          ? {
              step: 'mounted',
              error: 'the data disk could not be mounted: no space left on this host',
              hint: 'free space on the host, or begin anew with berth machine reset',
            }
          : step,
      ),
    };
  return state === 'running' ? { ...base, ...live } : base;
}

const live: Partial<MachineStatus> = {
  startedAt: Date.now() - 900_000,
  connection: 'connected',
  pending: ['memory'],
  ports: [
    { protocol: 'tcp', hostAddress: '127.0.0.1', port: 8080, container: 'web', state: 'open' },
    {
      protocol: 'udp',
      hostAddress: '::1',
      port: 5353,
      container: 'a-rather-long-container-name-that-wraps',
      state: 'open',
    },
    {
      protocol: 'tcp',
      hostAddress: '0.0.0.0',
      port: 5432,
      container: 'database',
      state: 'refused',
      error: 'The port is taken on this computer.',
      owner: 'postgres (pid 1234)',
    },
  ],
  folders: [
    { path: '/home/me', writable: true, how: 'virtiofs', state: 'mounted', notify: 'all' },
    {
      path: '/srv/reference-data',
      writable: false,
      how: '9p',
      state: 'mounted',
      notify: 'part',
      notifyLimit: 'only the first 8,192 folders are watched',
      ownerLimit: 'What containers make here belongs to you.',
    },
    {
      path: '/mnt/gone',
      writable: true,
      how: 'none',
      state: 'failed',
      notify: 'none',
      error: 'there is no such folder',
    },
  ],
  memory: {
    total: 2 * GIB,
    containers: 612 * MIB,
    engine: 96 * MIB,
    cache: 520 * MIB,
    kernel: 88 * MIB,
    free: 2 * GIB - (612 + 96 + 520 + 88) * MIB,
    host: 1404 * MIB,
  },
  disk: { size: 64 * GIB, used: 9.2 * GIB, host: 11.4 * GIB, hostFree: 210 * GIB },
};

export const demoChoices: EngineChoices = {
  current: 'local',
  pinned: false,
  options: [
    { id: 'local', kind: 'local', name: 'This computer', endpoint: 'unix:///run/berth/engine.sock', source: 'berth' },
    {
      id: 'machine',
      kind: 'machine',
      name: 'The machine',
      endpoint: 'unix:///run/user/1000/berth-machine/engine.sock',
      source: 'berth',
    },
    { id: 'own:lab', kind: 'ssh', name: 'lab', endpoint: 'ssh://me@lab.example', source: 'user' },
    {
      id: 'docker:cloud',
      kind: 'socket',
      name: 'cloud',
      endpoint: 'tcp://203.0.113.7:2376',
      source: 'docker',
      unusable: 'Berth reaches engines through unix sockets and ssh.',
    },
  ],
};

export const demoDefaults: EngineDefaults = {
  root: '/var/lib/berth',
  logDriver: 'json-file',
  httpProxy: 'http://proxy.example:3128',
  httpsProxy: '',
  noProxy: 'localhost,127.0.0.0/8',
  insecureRegistries: ['::1/128', '127.0.0.0/8'],
  mirrors: [],
};

const consoleLines = Array.from(
  { length: 120 },
  (_, at) =>
    `[    ${(at / 40).toFixed(6)}] ${at % 9 === 0 ? 'virtio_blk virtio2: [vdb] 134217728 512-byte logical blocks' : 'pci 0000:00:02.0: BAR 4: assigned'}`,
);

/** The machine and the choice of engines, from invented data. */
export function demoMachine(first: string): Pick<FakeOverrides, 'machine' | 'engines' | 'system'> {
  const changes = new PushStream<MachineStatus>(demoStatus(first as MachineState));
  const choices = new PushStream<EngineChoices>(demoChoices);
  let kept = settings;
  return {
    machine: {
      watch: () => changes,
      host: () => ({ cpus: 8, memory: 15_872, linux: true }),
      settings: () => kept,
      setSettings: (change) => {
        kept = { ...kept, ...change } as MachineSettings;
        return { settings: kept, applied: [], needsRestart: ['memory'] };
      },
      async *console() {
        yield { kind: 'begin' };
        yield { kind: 'lines', lines: consoleLines };
        yield { kind: 'caughtUp' };
        await new Promise(() => undefined);
      },
      start: async () => {
        for (let reached = 0; reached <= STEPS.length; reached++) {
          const steps = STEPS.map((step, at) => (at < reached ? { step, at: times[at] as number } : { step }));
          changes.push({ ...demoStatus('starting'), steps });
          await new Promise((done) => setTimeout(done, (times[reached] ?? 0) - (times[reached - 1] ?? 0)));
        }
        changes.push(demoStatus('running'));
      },
      stop: () => changes.push(demoStatus('stopped')),
      kill: () => changes.push(demoStatus('stopped')),
      restart: () => undefined,
      reset: () => changes.push(demoStatus('stopped')),
    },
    engines: {
      watch: () => choices,
      select: ({ id }) => choices.push({ ...demoChoices, current: id }),
      add: ({ name }) => ({ id: `own:${name}` }),
      remove: () => undefined,
      check: () => ({ version: '28.1.0', apiVersion: '1.49', system: 'Debian, x86_64', kernel: '6.12', berth: false }),
    },
    system: {
      places: () => [
        { name: 'Settings', path: '/home/me/.config/berth/settings.json', exists: true },
        { name: 'Images, containers and volumes', path: '/var/lib/berth', exists: true },
        { name: 'Machine disk', path: '/home/me/.local/share/berth/machine/data.raw', exists: false },
      ],
      report: () => ({ text: '## Berth\nversion: 0.1.0\n'.repeat(30) }),
    },
  };
}
