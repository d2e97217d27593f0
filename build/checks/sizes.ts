import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Sources stay small enough to read in one sitting: a word above WARN lines, a failure above LIMIT. Tests may be longer. */
const WARN = 250;
const LIMIT = 400;
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

let failed = false;
for (const folder of ['agent', 'electron', 'renderer', 'build', 'bench', 'e2e', 'vm-assets']) {
  for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!entry.isFile() || !/\.(ts|vue)$/.test(entry.name) || entry.name.endsWith('.test.ts')) continue;
    const path = join(entry.parentPath, entry.name);
    if (path.includes('node_modules')) continue;
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n').length;
    if (lines > LIMIT) failed = true;
    if (lines > WARN)
      console.log(`sizes: ${relative(root, path)}: ${lines} lines${lines > LIMIT ? ` (the limit is ${LIMIT})` : ''}`);
  }
}
process.exit(failed ? 1 : 0);
