import type { Engine } from '../engines.ts';
import { LABEL, removeContainers, type BenchImages, type Case } from './types.ts';

const COUNT = 500;
/** clients that create them */
const AT_ONCE = 4;
/** requests of which one measurement is the mean */
const REQUESTS = 5;

const there = new WeakSet<Engine>();

/** Made for the first of the cases that need them; removed with the last. */
async function makeMany(engine: Engine, { small }: BenchImages): Promise<void> {
  if (there.has(engine)) return;
  there.add(engine);
  let next = 0;
  const client = async () => {
    while (next < COUNT) {
      const body = { Image: small, Cmd: ['true'], Labels: { [LABEL]: '' } };
      await engine.client.call('POST', `/v1.41/containers/create?name=bench-many-${next++}`, body);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
}

export const list: Case = {
  name: 'list-500',
  what: `GET /containers/json?all=1 with ${COUNT} containers`,
  unit: 'ms',
  share: 1,
  aim: { dockerd: 0.5 },
  prepare: makeMany,
  once: async ({ client }) => {
    const start = performance.now();
    for (let request = 0; request < REQUESTS; request++) {
      const found = await client.call<unknown[]>('GET', '/v1.41/containers/json?all=1');
      if (found.length < COUNT) throw new Error(`${found.length} containers listed, not ${COUNT}`);
    }
    return (performance.now() - start) / REQUESTS;
  },
};

/** How much the others cost one more: the work for a container must not depend on how many there are. */
export const runAmong: Case = {
  name: 'run-500',
  what: `docker run --rm of true on the default bridge, beside ${COUNT} other containers`,
  unit: 'ms',
  share: 1,
  aim: { own: { case: 'run', times: 1.25 } },
  prepare: makeMany,
  once: ({ client }, { small }) => client.timed('run', '--rm', '--label', LABEL, small, 'true'),
  finish: async (engine) => {
    there.delete(engine);
    await removeContainers(engine);
  },
};
