import type { ContainerRow } from '../../../electron/contract/model.ts';

/** What the list offers for a container in a state, as the engine would accept it. */
export type Verb = 'start' | 'stop' | 'restart' | 'pause' | 'unpause' | 'kill' | 'remove';
type State = ContainerRow['state'];

const allowed: Record<Verb, readonly State[]> = {
  start: ['created', 'exited', 'dead'],
  stop: ['running', 'paused', 'restarting'],
  restart: ['running', 'paused', 'restarting', 'created', 'exited', 'dead'],
  pause: ['running'],
  unpause: ['paused'],
  kill: ['running', 'paused', 'restarting'],
  remove: ['created', 'running', 'paused', 'restarting', 'exited', 'dead'],
};
export const isAllowed = (verb: Verb, state: State): boolean => allowed[verb].includes(state);

/** Has processes: counts as running in the filter, and is killed by a removal. */
export const isLive = (state: State): boolean => state === 'running' || state === 'paused' || state === 'restarting';

export type StateFilter = 'all' | 'running' | 'stopped';

/** Rows that match the state and every word of the text (in name, image, id, state, port or network). */
export function filterRows(rows: Iterable<ContainerRow>, filter: StateFilter, text: string): ContainerRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const result: ContainerRow[] = [];
  for (const row of rows) {
    if (filter === 'running' && !isLive(row.state)) continue;
    if (filter === 'stopped' && isLive(row.state)) continue;
    if (words.length > 0 && !matches(row, words)) continue;
    result.push(row);
  }
  return result;
}

function matches(row: ContainerRow, words: string[]): boolean {
  const ports = row.ports.map((port) => `${port.PublicPort ?? ''} ${port.PrivatePort}/${port.Type}`);
  const text = [row.name, row.image, row.id, row.state, row.status, ...ports, ...row.networks].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}
