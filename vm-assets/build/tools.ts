import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Programs of this machine that the build runs, and their Debian packages. */
const TOOLS: Record<string, string> = {
  'dpkg-deb': 'dpkg',
  'mkfs.erofs': 'erofs-utils',
  depmod: 'kmod',
  tar: 'tar',
  xz: 'xz-utils',
};

/** Throws with all that is missing, and how to have it. */
export function checkTools(path = `${process.env['PATH']}:/usr/sbin:/sbin`): void {
  const missing = Object.keys(TOOLS).filter(
    (name) => !path.split(':').some((folder) => existsSync(join(folder, name))),
  );
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => TOOLS[name]))].join(' ');
  throw new Error(`these programs are missing here: ${missing.join(', ')}. To do: apt-get install ${packages}`);
}
