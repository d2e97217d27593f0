import type { DockerFixture } from '../../docker-cli-fixture.ts';

/** Something a client asks for, with what has to hold when the engine is killed in it, or fails in it. */
export interface Operation {
  name: string;
  /** what has to be there before */
  prepare?: () => Promise<unknown>;
  /** exit code 0: the client was told that it is done */
  act: () => Promise<{ code: number }>;
  /** after it; `told` is whether the client was told of success. Throws when something told is lost, or it cannot be done again. */
  check: (told: boolean) => Promise<unknown>;
  /** removes what was made */
  clean: () => Promise<unknown>;
  /** where the engine goes on by itself: how many steps are looked at; default: all */
  steps?: number;
}

/** Addresses and a port of this process: several run side by side. */
const own = process.pid % 250;
export const FIRST = { subnet: `10.247.${own}.0/24`, address: `10.247.${own}.9` };
export const SIDE = { subnet: `10.246.${own}.0/24`, address: `10.246.${own}.9` };
export const PORT = 47_000 + (process.pid % 900);

/** What operations are made of. The container, image, volume or network they are about is called `victim`. */
export type Ground = Pick<DockerFixture, 'docker' | 'ok' | 'image' | 'engine'>;

/** The status of a container; undefined when there is none. */
export const statusOf = async ({ docker }: Ground, name = 'victim'): Promise<string | undefined> =>
  (await docker(['inspect', '-f', '{{.State.Status}}', name])).stdout || undefined;

export const removeVictim = ({ docker }: Ground) => docker(['rm', '-f', '-v', 'victim']);

/** What could not be removed with its container is a volume as any other. */
export async function cleanAll(ground: Ground): Promise<void> {
  await removeVictim(ground);
  await ground.docker(['volume', 'prune', '-f']);
}

/** A container that does nothing. */
export const runVictim = ({ ok, image }: Ground, ...more: string[]) =>
  ok('run', '-d', '--name', 'victim', ...more, image, 'sleep', '300');
