import { basename, join, normalize } from 'node:path';
import type { CgroupNode, UsageSample } from '../../api/berth.ts';
import type { MeteredCgroups } from '../../cgroups/meter.ts';

interface Place {
  path: string;
  containerId?: string;
  below: Map<string, Place>;
}

export interface TreeInput {
  cgroups: Pick<MeteredCgroups, 'meter' | 'children' | 'limits'>;
  /** where the engine puts containers that ask for nothing else */
  parent: string;
  containers: readonly { id: string; cgroupPath: string }[];
  latest: (id: string) => UsageSample | undefined;
}

/** The engine's part of the tree: from the nearest group that has all its containers below it, down to what these made themselves. */
export function cgroupTree(input: TreeInput): CgroupNode {
  const root: Place = { path: '/', below: new Map() };
  placeOf(root, input.parent);
  for (const { id, cgroupPath } of input.containers) placeOf(root, cgroupPath).containerId = id;
  let top = root;
  while (top.below.size === 1 && top.containerId === undefined && top.path !== input.parent)
    top = [...top.below.values()][0] as Place;
  return describe(top, input, 0);
}

function placeOf(root: Place, path: string): Place {
  let place = root;
  for (const name of path.split('/').filter(Boolean)) {
    let next = place.below.get(name);
    if (!next) {
      next = { path: join(place.path, name), below: new Map() };
      place.below.set(name, next);
    }
    place = next;
  }
  return place;
}

/** True for what the tree may show: the engine's own group, those of containers, all above and all below these. */
export function isInTree(path: string, { parent, containers }: Pick<TreeInput, 'parent' | 'containers'>): boolean {
  if (!path.startsWith('/') || normalize(path) !== path || (path !== '/' && path.endsWith('/'))) return false;
  return [parent, ...containers.map(({ cgroupPath }) => cgroupPath)].some(
    (root) => path === '/' || path === root || path.startsWith(`${root}/`) || root.startsWith(`${path}/`),
  );
}

/** A container that makes groups in groups is shown so deep and no deeper. */
const DEEPEST = 16;

function describe(place: Place, input: TreeInput, depth: number): CgroupNode {
  const children = [...place.below.values()];
  if (place.containerId !== undefined && depth < DEEPEST)
    for (const name of input.cgroups.children(place.path))
      if (!place.below.has(name)) children.push({ path: join(place.path, name), below: new Map(), containerId: '' });
  const nodes = children.map((child) => describe(child, input, depth + 1)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const meter = input.cgroups.meter(place.path);
  const reading = meter.read();
  meter.close();
  const own = place.containerId ? input.latest(place.containerId)?.cpuPercent : undefined;
  return {
    name: place.path === '/' ? '/' : basename(place.path),
    path: place.path,
    ...(place.containerId ? { containerId: place.containerId } : {}),
    memory: reading?.memory ?? 0,
    pids: reading?.pids ?? 0,
    time: Date.now(),
    cpuTime: reading?.cpu ?? 0,
    readBytes: reading?.readBytes ?? 0,
    writeBytes: reading?.writeBytes ?? 0,
    limits: input.cgroups.limits(place.path),
    cpuPercent: own ?? Math.round(nodes.reduce((sum, { cpuPercent }) => sum + cpuPercent, 0) * 100) / 100,
    children: nodes,
  };
}
