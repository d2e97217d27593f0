import { type ChildProcess, spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { root } from './bundle.ts';

/**
 * npm run dev: builds again when a source changes; restarts `berth ui` when the host changed. The engine goes on running: stop it
 * yourself to try a new one. Arguments are passed on to `berth ui`.
 */
const SETTLE = 300;
let ui: ChildProcess | undefined;
let timer: NodeJS.Timeout | undefined;
let hostChanged = false;
let building = false;
let again = false;

function runUi(): void {
  ui?.kill('SIGTERM');
  ui = spawn(join(root, 'bin', 'berth'), ['ui', ...process.argv.slice(2)], { stdio: 'inherit' });
}

function build(): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(root, 'build', 'bundle.ts')], { stdio: 'inherit' });
    child.once('close', (code) => done(code === 0));
  });
}

async function rebuild(): Promise<void> {
  if (building) {
    again = true;
    return;
  }
  building = true;
  const restart = hostChanged || !ui;
  hostChanged = false;
  if ((await build()) && restart) runUi();
  building = false;
  if (again) {
    again = false;
    await rebuild();
  }
}

for (const folder of ['agent', 'electron', 'renderer']) {
  watch(join(root, folder), { recursive: true }, (_event, name) => {
    if (name?.endsWith('.tsbuildinfo')) return;
    if (folder === 'electron') hostChanged = true;
    clearTimeout(timer);
    timer = setTimeout(() => void rebuild(), SETTLE);
  });
}
process.once('SIGINT', () => {
  ui?.kill('SIGTERM');
  process.exit(0);
});
await rebuild();
