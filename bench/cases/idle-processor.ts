import { processorTime } from '../processes.ts';
import { removeContainers, runQuiet, type Case } from './types.ts';

const COUNT = 20;
/** milliseconds: the kernel counts in hundredths of a second, so that this resolves 0.1 % */
const WATCHED = 10_000;
/** milliseconds after which what the starts left to do is done */
const SETTLED = 5000;

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

export const idleProcessor: Case = {
  name: 'idle-cpu',
  what: `processor time of all processes of the engine while ${COUNT} containers do nothing, of one core`,
  unit: '%',
  share: 0.2,
  aim: { most: 0.5 },
  prepare: async (engine, { small }) => {
    await runQuiet(engine, small, COUNT);
    await pause(SETTLED);
  },
  once: async (engine) => {
    const before = await processorTime(await engine.processes());
    const start = performance.now();
    await pause(WATCHED);
    const after = await processorTime(await engine.processes());
    let used = 0;
    for (const [pid, time] of after) used += time - (before.get(pid) ?? 0);
    return (100 * used) / (performance.now() - start);
  },
  finish: removeContainers,
};
