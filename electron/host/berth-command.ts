import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that Berth is in, from the built file (dist/electron) or the source (electron/host). */
export function berthRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'bin', 'berth')) && dirname(directory) !== directory)
    directory = dirname(directory);
  return directory;
}

export const berthCommand = (): string => join(berthRoot(), 'bin', 'berth');
