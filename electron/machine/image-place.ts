import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

/** In the packaged application: resources/guest, beside resources/app.asar.unpacked/dist/electron/machine. */
export function packagedImage(here = HERE): string | undefined {
  const folder = join(here, '../../../../guest');
  return /[\\/]app\.asar\.unpacked[\\/]/.test(here) && existsSync(folder) ? folder : undefined;
}

/** In a checkout: what builds the image, from the source or the built file. */
export const imageBuilder = (here = HERE): string | undefined =>
  ['../../vm-assets/build/main.ts', '../../../vm-assets/build/main.ts']
    .map((path) => join(here, path))
    .find((path) => existsSync(path));

/** What to do about an image that is damaged or not there. */
export const imageRemedy = (damaged: boolean, here = HERE): string => {
  if (imageBuilder(here) === undefined) return 'install Berth again: the image of the machine comes with it';
  return damaged ? 'build it again: berth machine build --force' : 'build it: berth machine build';
};
