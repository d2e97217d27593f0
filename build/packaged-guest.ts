import { execFileSync } from 'node:child_process';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './bundle.ts';

/** The guest's architecture is the application's: another would be emulated. */
const DEBIAN = { x64: 'amd64', arm64: 'arm64' } as const;
type PackageArchitecture = keyof typeof DEBIAN;

/**
 * The folder that goes into the application as resources/guest: not compressed, since it is read where it lies and what carries the
 * application compresses it. Built here on Linux; elsewhere it must be there, copied from a Linux machine.
 */
export async function guestForPackage(architecture: string, platform: string = process.platform): Promise<string> {
  if (!(architecture in DEBIAN)) throw new Error(`there is no guest for ${architecture}`);
  const name = DEBIAN[architecture as PackageArchitecture];
  const target = join(root, 'release', 'guest', architecture);
  if (platform === 'linux') {
    const image = execFileSync(join(root, 'bin/berth'), ['machine', 'build', '--arch', name], {
      encoding: 'utf8',
    }).trim();
    await mkdir(join(target, '..'), { recursive: true });
    await rm(`${target}.new`, { recursive: true, force: true });
    await cp(image, `${target}.new`, { recursive: true });
    await rm(target, { recursive: true, force: true });
    await rename(`${target}.new`, target);
  } else if (!existsSync(join(target, 'manifest.json')))
    throw new Error(
      `${target} has no image of the machine, and it is made on Linux: run there bin/berth machine build --arch ${name}, and copy the folder that it prints`,
    );
  return target;
}
