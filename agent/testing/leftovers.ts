import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import type { TestEngine } from './engine.ts';

/**
 * What an engine holds on the machine, as lines to compare: mounts, files of its two directories (not the content of images), processes
 * that know its directory, control groups named after containers, ports of its bridges, rules about addresses of containers. Random names
 * are written as `*`.
 */
export function holdings(engine: TestEngine): string[] {
  return [
    ...mounts(engine),
    ...files(engine),
    ...processes(engine),
    ...controlGroups(engine),
    ...interfaces(engine),
    ...rules(engine),
  ].sort();
}

const anonymous = (path: string) =>
  path.replaceAll(/[0-9a-f]{12,}/g, '*').replaceAll(/(?<=\/)[\w]{8}-[\w-]{27}(?=\/|$)/g, '*');

function mounts({ pid, directory }: TestEngine): string[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${directory}/`))
    .map((path) => `mount ${anonymous(path.slice(directory.length))}`);
}

/** Below these nothing is listed: images are checked by their own store's tests, and by pulling again. */
const CLOSED = /^\/root\/(images\/(layers|blobs|l)|mapped)$|\/merged$|\/netns-pool$/;

function files({ directory }: TestEngine): string[] {
  const found: string[] = [];
  const walk = (at: string) => {
    for (const entry of listed(join(directory, at))) {
      const path = `${at}/${entry.name}`;
      found.push(`file ${anonymous(path)}`);
      if (entry.isDirectory() && !CLOSED.test(path)) walk(path);
    }
  };
  walk('/root');
  walk('/run');
  return found;
}

/** The engine removes files while others look. */
function listed(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function processes({ directory }: TestEngine): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return [];
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        // the client that this test runs has the directory in its environment only
        return line.includes(directory) ? [`process ${anonymous(line.split('\0')[0] ?? '')}`] : [];
      } catch {
        return [];
      }
    });
}

/** Of containers that this engine has, or had: their ids are told by what is recorded. */
const known = new WeakMap<TestEngine, Set<string>>();

/** Remembers the containers that are there now, so that their groups are looked for later too. */
export function rememberContainers(engine: TestEngine): void {
  const ids = known.get(engine) ?? new Set<string>();
  known.set(engine, ids);
  for (const directory of ['root', 'run'])
    try {
      for (const id of readdirSync(join(engine.directory, directory, 'containers'))) ids.add(id);
    } catch {
      // none made yet
    }
}

function controlGroups(engine: TestEngine): string[] {
  rememberContainers(engine);
  const ids = known.get(engine) ?? new Set<string>();
  const roots = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
  const found: string[] = [];
  for (const root of new Set(roots))
    for (const parent of ['', 'docker', 'berth'])
      try {
        for (const name of readdirSync(join(root, parent))) if (ids.has(name)) found.push(`group ${root}/${parent}/*`);
      } catch {
        // no such parent
      }
  return found;
}

interface Network {
  bridge?: string;
  ipam?: { Config?: { Subnet?: string }[] };
}

const networks = ({ root }: TestEngine): Network[] =>
  listed(join(root, 'networks'))
    .filter(({ name }) => name.endsWith('.json'))
    .map(({ name }) => JSON.parse(readFileSync(join(root, 'networks', name), 'utf8')) as Network);

/** The end of a container's pair that is here. */
function interfaces(engine: TestEngine): string[] {
  return networks(engine).flatMap(({ bridge = '' }) =>
    bridge === '' ? [] : listed(join('/sys/class/net', bridge, 'brif')).map(() => `port of ${bridge}`),
  );
}

/** Rules that lead to one address of the engine's subnets. */
function rules(engine: TestEngine): string[] {
  const subnets = networks(engine).flatMap(({ ipam }) => (ipam?.Config ?? []).map(({ Subnet = '' }) => Subnet));
  const beginnings = subnets.map((subnet) => subnet.replace(/(\.0)+\/(16|24)$/, ''));
  const { stdout } = spawnSync('iptables-save', ['-t', 'nat'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('-A') && beginnings.some((text) => line.includes(` --to-destination ${text}.`)))
    .map((line) => `rule ${line}`);
}
