import { operationsByItself } from './by-itself.ts';
import { containerOperations } from './containers.ts';
import type { Ground, Operation } from './operation.ts';
import { operationsOnThings } from './things.ts';

/** All operations, by name. */
export const operationsOn = (ground: Ground): Map<string, Operation> =>
  new Map(
    [...containerOperations(ground), ...operationsByItself(ground), ...operationsOnThings(ground)].map((one) => [
      one.name,
      one,
    ]),
  );

/** The names in two halves of about the same length, so that two files run them side by side. */
export const NAMES = {
  containers: ['create', 'start', 'exec', 'stop', 'kill', 'restart', 'pause', 'unpause', 'rename', 'update', 'remove'],
  others: [
    ...['log rotation', 'removal at the end', 'restart by policy', 'health check'],
    ...['network connect', 'network disconnect', 'network create', 'network remove'],
    ...['volume create', 'volume remove', 'pull', 'tag', 'untag', 'image remove'],
  ],
} as const;
