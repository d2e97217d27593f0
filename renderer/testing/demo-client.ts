import { ORPCError } from '@orpc/client';
import type { Client } from '../app/client.ts';
import type {
  AppError,
  ContainerChange,
  ContainerRow,
  EngineStatus,
  PullUpdate,
  RunUpdate,
  UsageSample,
  UsageUpdate,
} from '../../electron/contract/model.ts';
import { readStatus } from '../../electron/contract/status-text.ts';
import { demoContainers, demoDetails, demoEngine, demoImages, demoLayers } from './demo-data.ts';
import { demoDefaults, demoMachine } from './demo-machine.ts';
import { fakeClient, PushStream } from './fake-client.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const failed = (data: AppError) => new ORPCError('FAILED', { data, defined: true });

async function* pull(reference: string, signal?: AbortSignal): AsyncGenerator<PullUpdate> {
  if (reference.includes('unknown'))
    throw failed({
      code: 'not_found',
      message: `manifest for ${reference} not found: manifest unknown`,
      action: 'Check the name and the tag: the registry does not have this image.',
      field: 'image',
    });
  if (reference.includes('refused'))
    throw failed({
      code: 'unavailable',
      message: 'dial tcp 127.0.0.1:5999: connect: connection refused',
      detail: 'The registry does not answer.',
      action: 'Check that the registry runs and that its address is right.',
    });
  for (let t = 0; t < 10; t += 0.2) {
    if (signal?.aborted) return;
    yield {
      kind: 'progress',
      layers: demoLayers(t),
      message: `Pulling from ${reference.split(':')[0]}`,
      bytesPerSecond: 12_300_000,
    };
    await pause(200);
  }
  yield { kind: 'done', imageId: demoImages[0]?.id ?? '', message: `Status: Downloaded newer image for ${reference}` };
}

async function* run(
  image: string,
  name: string,
  rows: ContainerRow[],
  signal?: AbortSignal,
): AsyncGenerator<RunUpdate> {
  if (!demoImages.some((row) => row.tags.includes(image))) yield* pull(image, signal);
  if (rows.some((row) => row.name === name))
    throw failed({
      code: 'conflict',
      message: `Conflict. The container name "/${name}" is already in use by container "${rows[0]?.id}". You have to remove (or rename) that container to be able to reuse that name.`,
      field: 'name',
    });
  yield { kind: 'created', id: rows[0]?.id ?? '', warnings: [] };
  await pause(300);
  yield { kind: 'started', id: rows[0]?.id ?? '' };
}

function sample(index: number, t: number): UsageSample {
  const wave = Math.sin(t / 7 + index) + Math.sin(t / 2.3 + index * 2) * 0.5 + 1.5;
  return {
    time: Date.now(),
    cpuPercent: wave * (index % 3 === 0 ? 31 : 2.4),
    memory: (60 + index * 31 + wave * 12) * 1_048_576,
    memoryLimit: 25_200_000_000,
    rxRate: wave * 9_000,
    txRate: wave * 4_000,
    readRate: 0,
    writeRate: wave * 2_000,
    pids: 5,
    throttledPercent: 0,
  };
}

/** Answers like a host would, from invented data that moves. */
export function demoClient(options: { rows: number; engine: string; empty: boolean; machine: string }): Client {
  let rows = options.empty ? [] : demoContainers(options.rows);
  const changes = new PushStream<ContainerChange>({ kind: 'snapshot', rows });
  const upsert = (ids: string[], part: Partial<ContainerRow>) => {
    rows = rows.map((row) =>
      ids.includes(row.id) ? { ...row, ...part, ...readStatus(part.status ?? row.status) } : row,
    );
    for (const row of rows) if (ids.includes(row.id)) changes.push({ kind: 'upsert', row });
    return ids.map((id) => ({ id }));
  };
  const status: EngineStatus =
    options.engine === 'ready'
      ? demoEngine
      : {
          state: options.engine as EngineStatus['state'],
          endpoint: demoEngine.endpoint,
          warnings: [],
          problem: {
            title: 'The engine cannot be reached',
            detail: 'connect ENOENT /run/berth/engine.sock: there is no socket, so no engine listens there.',
            action: 'Start the engine with “berth engine”, or let Berth start its own: press the button below.',
          },
        };
  return fakeClient({
    engine: {
      watch: () => new PushStream(status),
      start: () => pause(800).then(() => undefined),
      defaults: () => demoDefaults,
    },
    settings: { set: () => undefined },
    ...demoMachine(options.machine),
    containers: {
      watch: () => changes,
      async *usage() {
        for (let t = -60; ; t++) {
          if (t > 0) await pause(1000);
          const live = rows.filter((row) => row.state === 'running' || row.state === 'paused');
          yield {
            time: Date.now(),
            containers: Object.fromEntries(live.map((row, index) => [row.id, sample(index, t)])),
          } satisfies UsageUpdate;
        }
      },
      run: (input, call) => run(input.image, input.name ?? '', rows, call?.signal),
      start: ({ ids }) => upsert(ids, { state: 'running', status: 'Up 1 second' }),
      stop: ({ ids }) =>
        ids.map((id) => ({
          id,
          error: {
            code: 'x',
            message: 'cannot stop container: tried to kill container, but did not receive an exit event',
          },
        })),
      restart: ({ ids }) => upsert(ids, { state: 'running', status: 'Up 1 second' }),
      pause: ({ ids }) => upsert(ids, { state: 'paused', status: 'Up 1 minute (Paused)' }),
      unpause: ({ ids }) => upsert(ids, { state: 'running', status: 'Up 1 minute' }),
      kill: ({ ids }) => upsert(ids, { state: 'exited', status: 'Exited (137) 1 second ago' }),
      remove: ({ ids }) => {
        rows = rows.filter((row) => !ids.includes(row.id));
        for (const id of ids) changes.push({ kind: 'remove', id });
        return ids.map((id) => ({ id }));
      },
      rename: ({ id, name }) => void upsert([id], { name }),
    },
    images: {
      watch: () => new PushStream({ kind: 'snapshot', rows: options.empty ? [] : demoImages }),
      pull: (input, call) => pull(input.reference, call?.signal),
      inspect: ({ reference }) =>
        demoDetails(
          demoImages.find((row) => row.id === reference || row.tags.includes(reference)) ??
            (demoImages[0] as (typeof demoImages)[number]),
        ),
      tag: () => undefined,
      remove: ({ references }) => references.map((id) => ({ id })),
    },
    networks: {
      list: () => [
        {
          id: demoImages[0]?.id.slice(7) ?? '',
          name: 'bridge',
          driver: 'bridge',
          subnets: ['172.17.0.0/16'],
          internal: false,
          containers: ['web', 'database'],
        },
        {
          id: demoImages[1]?.id.slice(7) ?? '',
          name: 'backend',
          driver: 'bridge',
          subnets: ['10.89.0.0/24', 'fd00:beef::/64'],
          internal: false,
          containers: [],
        },
        { id: 'c'.repeat(64), name: 'host', driver: 'host', subnets: [], internal: false, containers: [] },
        { id: 'd'.repeat(64), name: 'none', driver: 'null', subnets: [], internal: false, containers: [] },
      ],
    },
    volumes: {
      list: () =>
        options.empty
          ? []
          : [
              {
                name: 'pgdata',
                driver: 'local',
                mountpoint: '/var/lib/berth/volumes/pgdata/_data',
                created: Date.now() - 7_200_000,
                usedBy: ['database'],
              },
              {
                name: 'f'.repeat(64),
                driver: 'local',
                mountpoint: `/var/lib/berth/volumes/${'f'.repeat(64)}/_data`,
                created: Date.now() - 90_000,
                usedBy: [],
              },
            ],
      remove: ({ names }) => names.map((id) => ({ id })),
    },
  });
}
