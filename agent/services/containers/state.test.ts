import { describe, expect, it } from 'vitest';
import type { ContainerStatus } from '../../api/container.ts';
import { EngineError, statusOf } from '../../api/errors.ts';
import type { ContainerRecord } from '../container-record.ts';
import { createdState, guard, setStatus, type Verb } from './state.ts';

const record = (status: ContainerStatus): ContainerRecord => {
  const state = createdState();
  setStatus(state, status);
  return { id: 'f'.repeat(64), name: 'boat', state } as ContainerRecord;
};
const answer = (verb: Verb, status: ContainerStatus): number => {
  try {
    guard(verb, record(status));
    return 0;
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    return statusOf(error);
  }
};

describe('the state table', () => {
  const STATUSES: ContainerStatus[] = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];
  it.each<[Verb, number[]]>([
    ['start', [0, 304, 409, 0, 409, 0, 409]],
    ['stop', [304, 0, 0, 0, 304, 304, 304]],
    ['kill', [409, 0, 0, 0, 409, 409, 409]],
    ['pause', [409, 0, 409, 409, 409, 409, 409]],
    ['unpause', [409, 409, 0, 409, 409, 409, 409]],
    ['attach', [0, 0, 409, 409, 0, 0, 0]],
    ['exec', [409, 0, 409, 409, 409, 409, 409]],
    ['resize', [409, 0, 0, 409, 409, 409, 409]],
    ['remove', [0, 409, 409, 409, 409, 0, 0]],
  ])('%s', (verb, expected) => {
    expect(STATUSES.map((status) => answer(verb, status))).toEqual(expected);
  });

  it('counts paused and restarting as running', () => {
    const running = STATUSES.filter((status) => record(status).state.Running);
    expect(running).toEqual(['running', 'paused', 'restarting']);
  });
});
