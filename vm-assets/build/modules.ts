import { existsSync, globSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { exec } from '../../agent/system/exec.ts';
import { filesBelow } from './recipe.ts';

export const kernelVersion = (tree: string): string => {
  const [version] = readdirSync(join(tree, 'usr/lib/modules')).sort();
  if (version === undefined) throw new Error('the kernel package has no modules');
  return version;
};

/** Keeps the modules named, and what they depend on, unpacked (their file system compresses them again), and indexes them. */
export async function keepModules(tree: string, wanted: readonly string[]): Promise<void> {
  const base = join(tree, 'usr/lib/modules', kernelVersion(tree));
  await depmod(tree);
  const dependencies = readDependencies(readFileSync(join(base, 'modules.dep'), 'utf8'));
  const keep = new Set<string>();
  for (const path of dependencies.keys())
    if (wanted.some((name) => path.startsWith(`kernel/${name}/`) || path.startsWith(`kernel/${name}.ko`)))
      for (const each of [path, ...(dependencies.get(path) ?? [])]) keep.add(each);
  for (const name of wanted)
    if (![...keep].some((path) => path.startsWith(`kernel/${name}`)) && !isBuiltIn(base, name))
      throw new Error(`the kernel has no module ${name}`);
  const kept: string[] = [];
  for (const file of filesBelow(join(base, 'kernel'))) {
    if (!keep.has(relative(base, file))) rmSync(file);
    else kept.push(file);
  }
  const packed = kept.filter((file) => file.endsWith('.xz'));
  if (packed.length > 0) await exec(['xz', '-d', '-f', ...packed], { env: process.env });
  await exec(['find', join(base, 'kernel'), '-type', 'd', '-empty', '-delete'], { env: process.env });
  await depmod(tree);
  for (const name of readdirSync(base))
    if (name.endsWith('.bin') || /^modules\.(order|weakdep|devname|softdep)$/.test(name)) rmSync(join(base, name));
}

const depmod = (tree: string) =>
  exec(['depmod', '-b', join(tree, 'usr'), kernelVersion(tree)], {
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  });

/** modules.dep: "kernel/a.ko.xz: kernel/b.ko.xz kernel/c.ko.xz", all that must be there, the last one first to load. */
export function readDependencies(text: string): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0)
      result.set(
        line.slice(0, colon),
        line
          .slice(colon + 1)
          .split(' ')
          .filter(Boolean),
      );
  }
  return result;
}

function isBuiltIn(base: string, name: string): boolean {
  const builtIn = join(base, 'modules.builtin');
  return existsSync(builtIn) && readFileSync(builtIn, 'utf8').includes(`kernel/${name}`);
}

/** The files of these modules and of what they depend on, in the order in which to load them. */
export function loadOrder(tree: string, names: readonly string[]): string[] {
  const base = join(tree, 'usr/lib/modules', kernelVersion(tree));
  const dependencies = readDependencies(readFileSync(join(base, 'modules.dep'), 'utf8'));
  const order: string[] = [];
  for (const name of names) {
    const [path] = globSync(`kernel/**/${name}.ko`, { cwd: base });
    if (path === undefined) continue;
    for (const each of [...(dependencies.get(path) ?? []).toReversed(), path])
      if (!order.includes(each)) order.push(each);
  }
  return order.map((path) => join(base, path)).filter((path) => statSync(path).isFile() && basename(path) !== '');
}
