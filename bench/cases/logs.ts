import { LABEL, removeContainers, type Case } from './types.ts';

const LINES = 1_000_000;
/** with its newline */
const LINE = 100;
/** of each message in the API's stream: kind and length (Docker Engine API, "Stream format") */
const FRAME = 8;

export const logs: Case = {
  name: 'logs',
  what: '1,000,000 log lines of 100 bytes read through the API',
  unit: 'ms',
  aim: { dockerd: 0.25 },
  share: 0.3,
  prepare: async ({ client }, { small }) => {
    const script = `yes ${'x'.repeat(LINE - 1)} | head -n ${LINES}`;
    await client.docker('run', '-d', '--label', LABEL, '--name', 'bench-logs', small, 'sh', '-c', script);
    await client.docker('wait', 'bench-logs');
  },
  once: async ({ client }) => {
    const start = performance.now();
    const size = await client.readAll('/v1.41/containers/bench-logs/logs?stdout=1&stderr=1');
    const took = performance.now() - start;
    // An engine may put several lines in a frame, or cut one: the text is what has to be whole.
    if (size < LINES * LINE || size > LINES * (LINE + FRAME * 2))
      throw new Error(`read ${size} bytes, not ${LINES} lines`);
    return took;
  },
  finish: removeContainers,
};
