import { LABEL, removeContainers, type Aim, type Case } from './types.ts';
import { idleProcessor } from './idle-processor.ts';
import { logs } from './logs.ts';
import { list, runAmong } from './many.ts';
import { memoryIdle, memoryWithTen } from './memory.ts';
import { pull, pullDebian } from './pull.ts';
import { together } from './together.ts';

const run = (name: string, what: string, aim: Aim, ...network: string[]): Case => ({
  name,
  what,
  unit: 'ms',
  aim,
  share: 1,
  once: ({ client }, { small }) => client.timed('run', '--rm', '--label', LABEL, ...network, small, 'true'),
});

const execute: Case = {
  name: 'exec',
  what: 'docker exec of true in a running container',
  unit: 'ms',
  share: 1,
  aim: { dockerd: 0.7 },
  prepare: async ({ client }, { small }) =>
    void (await client.docker('run', '-d', '--label', LABEL, '--name', 'bench-exec', small, 'sleep', '3600')),
  once: ({ client }) => client.timed('exec', 'bench-exec', 'true'),
  finish: removeContainers,
};

const ps: Case = {
  name: 'ps',
  what: 'docker ps -a of 60 containers',
  unit: 'ms',
  share: 1,
  prepare: async ({ client }, { small }) => {
    for (let index = 0; index < 60; index++)
      await client.docker('create', '--label', LABEL, '--name', `bench-ps-${index}`, small, 'true');
  },
  once: ({ client }) => client.timed('ps', '-a'),
  finish: removeContainers,
};

/** In the order in which they are run: memory first, before anything has warmed up. */
export const CASES: readonly Case[] = [
  memoryIdle,
  run('run', 'docker run --rm of true on the default bridge', { dockerd: 0.3, podman: 0.5 }),
  run(
    'run-none',
    'docker run --rm of true with --network none',
    { dockerd: 0.3, podman: 0.7 },
    ...['--network', 'none'],
  ),
  execute,
  together,
  ps,
  logs,
  pull,
  pullDebian,
  memoryWithTen,
  idleProcessor,
  list,
  runAmong,
];
