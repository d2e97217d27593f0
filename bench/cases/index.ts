import { LABEL, removeContainers, type Aim, type Case } from './types.ts';
import { idleProcessor } from './idle-processor.ts';
import { logs } from './logs.ts';
import { list, runAmong } from './many.ts';
import type { Engine } from '../engines.ts';
import { memoryIdle, memoryWithTen } from './memory.ts';
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

/**
 * Each round pulls another image, and none is removed before the end: ext4 looks at every inode that was freed in the last minute before it
 * gives one out (recently_deleted() in its ialloc.c), which would be most of what is measured.
 */
const pulled = new WeakMap<Engine, number>();
const pull: Case = {
  name: 'pull',
  what: 'docker pull of an image over 100 MB with 7 layers from the loopback registry, of which the smallest is stored',
  unit: 'ms',
  share: 0.3,
  once: async (engine, { big }) => {
    const number = (pulled.get(engine) ?? 0) + 1;
    pulled.set(engine, number);
    const image = await big(number);
    return engine.client.timed('pull', '-q', image);
  },
  finish: async (engine, { big }) => {
    for (let number = pulled.get(engine) ?? 0; number > 0; number--)
      await engine.client.docker('rmi', '-f', await big(number));
    pulled.delete(engine);
  },
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
  memoryWithTen,
  idleProcessor,
  list,
  runAmong,
];
