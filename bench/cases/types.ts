import type { Engine } from '../engines.ts';

export interface BenchImages {
  /** busybox: a shell */
  small: string;
  /** the nth of several alike, over 100 MB compressed, seven layers; the first is shared with `small` */
  big(number: number): Promise<string>;
  /** the nth of several alike: Debian 12 (minbase) in one layer */
  debian(number: number): Promise<string>;
}

/** What Berth's median may be at most. */
export interface Aim {
  /** times another engine's median */
  dockerd?: number;
  podman?: number;
  /** times Berth's own median of another case of the same run */
  own?: { case: string; times: number };
  /** in the case's unit */
  most?: number;
}

/** Something to measure. `once` gives one value; `prepare` and `finish` are not measured. */
export interface Case {
  name: string;
  what: string;
  unit: 'ms' | 'MB' | '%';
  aim?: Aim;
  /** of the asked repetitions: slow cases take fewer; at least one */
  share: number;
  prepare?(engine: Engine, images: BenchImages): Promise<void>;
  once(engine: Engine, images: BenchImages): Promise<number>;
  finish?(engine: Engine, images: BenchImages): Promise<void>;
}

export const LABEL = 'berth-bench';

/** Every container of the bench on this engine. */
export async function removeContainers({ client }: Engine): Promise<void> {
  const ids = (await client.docker('ps', '-aq', '--filter', `label=${LABEL}`)).split('\n').filter(Boolean);
  if (ids.length > 0) await client.docker('rm', '-f', ...ids);
}

/** Containers that sleep. */
export async function runQuiet({ client }: Engine, image: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++)
    await client.docker('run', '-d', '--label', LABEL, image, 'sleep', '3600');
}
