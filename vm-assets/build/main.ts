import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from '../../electron/machine/process-lock.ts';
import { makeBase, makeImage, type Report } from './image.ts';
import { prune } from './prune.ts';
import {
  ARCHITECTURES,
  cacheDirectory,
  hostArchitecture,
  readRecipe,
  REPOSITORY,
  type Architecture,
} from './recipe.ts';

/** Builds the guest, or finds it built; one build at a time, so that the second finds what the first made. Gives the folder with kernel, initrd, root and manifest.json. */
export async function buildGuest(
  options: { architecture?: Architecture; refresh?: boolean; force?: boolean; report?: Report } = {},
): Promise<string> {
  const { architecture = hostArchitecture(), refresh = false, force = false, report = () => undefined } = options;
  const cache = cacheDirectory();
  const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { version: string };
  await mkdir(cache, { recursive: true });
  const mine = await lock(join(cache, 'lock'), () => report('another build goes on: waiting for it'));
  try {
    const base = await makeBase(cache, readRecipe(), architecture, report, { refresh, force });
    const image = await makeImage(cache, base, architecture, version, report, force);
    await prune(cache);
    return image;
  } finally {
    mine.release();
  }
}

export function parseArguments(argv: readonly string[]): {
  architecture: Architecture;
  refresh: boolean;
  force: boolean;
} {
  const result = { architecture: hostArchitecture(), refresh: false, force: false };
  for (let index = 0; index < argv.length; index++) {
    if (argv[index] === '--refresh') result.refresh = true;
    else if (argv[index] === '--force') result.force = true;
    else if (argv[index] === '--arch') {
      const asked = ARCHITECTURES.find((name) => name === argv[index + 1]);
      if (asked === undefined) throw new Error(`--arch must be one of ${ARCHITECTURES.join(', ')}`);
      result.architecture = asked;
      index++;
    } else throw new Error(`unknown argument '${argv[index]}'`);
  }
  return result;
}

if (import.meta.main) {
  try {
    console.log(await buildGuest({ ...parseArguments(process.argv.slice(2)), report: (line) => console.error(line) }));
  } catch (error) {
    console.error(`berth machine build: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}
