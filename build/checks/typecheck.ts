import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Type-checks each runtime with its own tsconfig, one after the other (memory), and says which failed. */
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const TSC = 'node_modules/typescript/bin/tsc';
const PROJECTS: [name: string, compiler: string][] = [
  ['agent', TSC],
  ['electron', TSC],
  ['electron/preload', TSC],
  ['renderer', 'node_modules/vue-tsc/bin/vue-tsc.js'],
  ['e2e', TSC],
  ['vm-assets', TSC],
];

function run(args: string[]): Promise<number> {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
    child.once('close', (code) => done(code ?? 1));
  });
}

const failed: string[] = [];
for (const [name, compiler] of PROJECTS) {
  if (!existsSync(join(root, name, 'tsconfig.json'))) continue;
  if ((await run([compiler, '-p', name, '--noEmit'])) !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`types: failed in ${failed.join(', ')}`);
  process.exit(1);
}
