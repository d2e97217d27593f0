import { join } from 'node:path';
import { createApt } from './apt.ts';
import { fetchLocked, PackageGone, readLock, writeLock, type LockedPackage } from './lock.ts';
import type { Architecture, Recipe } from './recipe.ts';

type Report = (line: string) => void;

/** Those of the manifest; where the archive has replaced one, its present ones, which its signature vouches for. */
export async function getPackages(
  cache: string,
  recipe: Recipe,
  architecture: Architecture,
  report: Report,
): Promise<{ packages: LockedPackage[]; debs: string[] }> {
  const locked = readLock(architecture);
  report(`packages: ${locked.length} of the manifest`);
  try {
    return { packages: locked, debs: await fetchLocked(join(cache, 'debs'), locked) };
  } catch (error) {
    if (!(error instanceof PackageGone)) throw error;
    report(
      `packages: ${error.message}: taking what ${recipe.suite} has now; this image has another digest than a release`,
    );
  }
  const apt = await createApt(cache, recipe, architecture);
  await apt.update();
  const packages = await apt.resolve([...recipe.packages, recipe.kernel[architecture]]);
  return { packages, debs: await fetchLocked(join(cache, 'debs'), packages) };
}

export async function refreshLock(
  cache: string,
  recipe: Recipe,
  architecture: Architecture,
  report: Report,
): Promise<void> {
  report(`packages: asking ${recipe.suite}'s archive`);
  const apt = await createApt(cache, recipe, architecture);
  await apt.update();
  writeLock(architecture, await apt.resolve([...recipe.packages, recipe.kernel[architecture]]));
}
