import { memoryOf } from '../processes.ts';
import { removeContainers, runQuiet, type Case } from './types.ts';

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

const measure: Case['once'] = async (engine) => {
  await pause(1000);
  return memoryOf(await engine.processes());
};

export const memoryIdle: Case = {
  name: 'memory-idle',
  what: 'memory (PSS) of all processes of the engine, nothing running',
  unit: 'MB',
  aim: { dockerd: 0.45 },
  share: 0.3,
  once: measure,
};

export const memoryWithTen: Case = {
  name: 'memory-10',
  what: 'memory (PSS) of all processes of the engine with 10 containers running',
  unit: 'MB',
  aim: { dockerd: 0.45 },
  share: 0.3,
  prepare: async (engine, { small }) => {
    await runQuiet(engine, small, 10);
    await pause(2000);
  },
  once: measure,
  finish: removeContainers,
};
