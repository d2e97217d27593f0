import type { ActionResult, AppError } from '../../../electron/contract/model.ts';
import { useClient } from '../../app/client.ts';
import { sizeOf } from './candidates.ts';
import type { Candidate, Group, Kind } from './candidates.ts';

export interface Outcome {
  removed: number;
  freed: number;
  failures: { name: string; error: AppError }[];
}

/** Removes exactly what was shown, and never what has come into use since: the engine refuses that. Containers go first. */
export async function removeGroups(groups: readonly Group[]): Promise<Outcome> {
  const client = useClient();
  const remove: Record<Kind, (ids: string[]) => Promise<ActionResult[]>> = {
    containers: (ids) => client.containers.remove({ ids, force: false, volumes: false }),
    dangling: (references) => client.images.remove({ references, force: false }),
    images: (references) => client.images.remove({ references, force: false }),
    anonymous: (names) => client.volumes.remove({ names }),
    volumes: (names) => client.volumes.remove({ names }),
    networks: (ids) => client.networks.remove({ ids }),
  };
  const outcome: Outcome = { removed: 0, freed: 0, failures: [] };
  for (const { kind, items } of groups) {
    for (let from = 0; from < items.length; from += 500) {
      const part = items.slice(from, from + 500);
      add(outcome, part, await remove[kind](part.flatMap(namesOf)));
    }
  }
  return outcome;
}

const namesOf = ({ id, references }: Candidate): string[] => references ?? [id];

function add(outcome: Outcome, items: readonly Candidate[], results: readonly ActionResult[]): void {
  const errors = new Map(results.flatMap(({ id, error }) => (error ? [[id, error] as const] : [])));
  const failureOf = (item: Candidate) => namesOf(item).flatMap((name) => errors.get(name) ?? [])[0];
  const done = items.filter((item) => !failureOf(item));
  outcome.removed += done.length;
  outcome.freed += sizeOf(done);
  for (const item of items) {
    const error = failureOf(item);
    // what is not there any more went with a container that had it
    if (error && error.code !== 'not-found') outcome.failures.push({ name: item.name, error });
  }
}
