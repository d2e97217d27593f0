import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CgroupDriver } from '../../cgroups/types.ts';
import { Layout } from '../../store/layout.ts';
import { systemClock } from '../../system/clock.ts';
import type { Log } from '../../system/log.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import { DEFAULT_CONFIG } from '../config.ts';
import { createEvents } from '../events/create.ts';
import type { ContainersContext } from './context.ts';
import { containerRecordKind } from './record-kind.ts';
import { ContainerTable } from './table.ts';

/** The steps a double can be told to fail in. */
export type Step = 'mount' | 'makeNamespace' | 'attach' | 'buildSpec' | 'create' | 'connect' | 'start';

/** Doubles that keep count of what is held, as the kernel would, in directories of their own. */
export interface Doubles {
  ctx: ContainersContext;
  /** "mount", "netns", "network", "process": what is held now */
  held: Set<string>;
  /** each step that was done */
  done: string[];
  errors: string[];
  failAt: (step: Step | undefined) => void;
  remove(): Promise<void>;
}

export async function containerDoubles(): Promise<Doubles> {
  const base = await mkdtemp(join(tmpdir(), 'berth-life-'));
  const layout = new Layout(join(base, 'root'), join(base, 'run'));
  await Promise.all([layout.containers, layout.exits].map((path) => mkdir(path, { recursive: true })));
  const held = new Set<string>();
  const done: string[] = [];
  const errors: string[] = [];
  let failing: Step | undefined;
  const step = (name: Step, holds: string) => {
    if (failing === name) throw new Error(`${name} fails`);
    done.push(name);
    held.add(holds);
  };
  const log: Log = { info: () => undefined, warn: () => undefined, error: (message) => errors.push(message) };
  const facts = {} as ContainersContext['facts'];
  const ctx: ContainersContext = {
    config: { ...DEFAULT_CONFIG },
    layout,
    // Nothing is mounted for real, so unmounting is seen by what the root-mount module does: it asks the kernel first.
    sys: { mount: () => step('mount', 'mount'), umount: () => held.delete('mount') } as unknown as Syscalls,
    log,
    clock: systemClock,
    events: createEvents(),
    table: new ContainerTable(
      layout,
      containerRecordKind(layout, (message) => errors.push(message)),
    ),
    supervisor: {
      create: async () => {
        step('create', 'process');
        return Promise.resolve({ pid: 4242, startTime: 1, monitorPid: 4241 });
      },
      start: async () => Promise.resolve(step('start', 'process')),
      discard: () => Promise.resolve(),
      attach: async () => {
        step('connect', 'process');
        return Promise.resolve({
          onOutput: () => undefined,
          onClose: () => undefined,
          write: () => Promise.resolve(),
          end: () => undefined,
          pause: () => undefined,
          resume: () => undefined,
          close: () => undefined,
        });
      },
      resize: () => Promise.resolve(),
      reopenLog: () => Promise.resolve(),
      exec: () => Promise.reject(new Error('not here')),
    },
    runtimes: { defaultName: 'crun', names: new Set(['crun']) },
    images: { resolve: () => IMAGE, byId: () => IMAGE },
    networking: {
      check: () => undefined,
      makeNamespace: (id) => {
        step('makeNamespace', 'netns');
        return `/netns/${id}`;
      },
      keepNamespace: (id) => {
        step('makeNamespace', 'netns');
        return `/netns/${id}`;
      },
      dropNamespace: () => void held.delete('netns'),
      attach: async () => {
        // The slower of the two that go side by side.
        await new Promise((ready) => setTimeout(ready, 5));
        step('attach', 'network');
        return {
          networks: { bridge: { IPAddress: '10.0.0.2' } },
          ports: {},
          hosts: [],
          dns: { servers: [], search: [], options: [] },
        };
      },
      detach: () => Promise.resolve(void held.delete('network')),
      plain: () => ({ hosts: [], dns: { servers: [], search: [], options: [] } }),
      recover: () => Promise.resolve(),
    },
    volumes: {} as ContainersContext['volumes'],
    mapped: { byDefault: false } as ContainersContext['mapped'],
    cgroups: {
      processes: () => Promise.resolve([]),
      remove: () => Promise.resolve(void held.delete('process')),
      thaw: () => Promise.resolve(),
      freeze: () => Promise.resolve(),
      oomKills: () => Promise.resolve(0),
    } as unknown as CgroupDriver,
    facts,
    checkCreate: (request) => ({
      config: { ...request },
      hostConfig: request.HostConfig ?? {},
      endpoints: {},
      path: 'sleep',
      args: ['1'],
      warnings: [],
    }),
    buildSpec: async () => {
      step('buildSpec', 'spec');
      held.delete('spec');
      return Promise.resolve({} as Awaited<ReturnType<ContainersContext['buildSpec']>>);
    },
    resolveMounts: () => Promise.resolve({ mounts: [], anonymous: [] }),
    checkUpdate: (resources) => ({ limits: {}, hostConfig: resources, warnings: [] }),
    trimLog: () => Promise.resolve(),
  };
  return {
    ctx,
    held,
    done,
    errors,
    failAt: (name) => (failing = name),
    remove: () => rm(base, { recursive: true, force: true }),
  };
}

const IMAGE = {
  id: `sha256:${'a'.repeat(64)}`,
  architecture: 'amd64',
  os: 'linux',
  config: {},
  lowerdirs: ['/lower'],
  size: 0,
};
