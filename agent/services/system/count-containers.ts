import type { ContainerRecord } from '../container-record.ts';

/** As Docker counts: a paused container is running too, but is told apart. */
export function countContainers(records: Iterable<ContainerRecord>): {
  all: number;
  running: number;
  paused: number;
  stopped: number;
} {
  const counts = { all: 0, running: 0, paused: 0, stopped: 0 };
  for (const { state } of records) {
    counts.all++;
    if (state.Paused) counts.paused++;
    else if (state.Running) counts.running++;
    else counts.stopped++;
  }
  return counts;
}
