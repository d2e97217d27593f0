import childProcess from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded into an engine before its own code (`--import`): once the file $BERTH_STEP_LIMIT is there, every call that changes the disk or
 * starts a program is a step, written as a line to $BERTH_STEP_TRACE; the engine kills itself before step number LIMIT. Calls to libc
 * (mount and the like) lie between such steps.
 */
const limitFile = process.env['BERTH_STEP_LIMIT'] ?? '';
const traceFile = process.env['BERTH_STEP_TRACE'] ?? '';
const quiet = { appendFileSync, existsSync, readFileSync, statSync };

/** the calls below call others that are counted */
let inside = false;

function step(name: string, about: unknown): void {
  // the entries of a layer, which are hundreds of steps of one kind
  if (inside || /\/diff\/.*[02-9a-z]$/.test(String(about)) || !quiet.existsSync(limitFile)) return;
  inside = true;
  const limit = Number(quiet.readFileSync(limitFile, 'utf8'));
  const line = `${name} ${String(about)}`.replaceAll('\n', ' ').slice(0, 150).padEnd(150);
  // lines of one length: the size says the number, for all threads together
  quiet.appendFileSync(traceFile, `${line}\n`);
  if (quiet.statSync(traceFile).size / 151 >= limit) process.kill(process.pid, 'SIGKILL');
  inside = false;
}

type Call = (...args: unknown[]) => unknown;

function count(holder: object, names: readonly string[]): void {
  const calls = holder as Record<string, Call>;
  for (const name of names) {
    const original = calls[name];
    if (typeof original !== 'function') continue;
    const counted = function (this: unknown, ...args: unknown[]) {
      step(name, typeof args[0] === 'number' ? 'fd' : args[0]);
      return original.apply(this, args);
    };
    calls[name] = Object.assign(counted, original);
  }
}

const CHANGES = [
  'appendFile',
  'chmod',
  'chown',
  'copyFile',
  'lchown',
  'link',
  'mkdir',
  'mkdtemp',
  'rename',
  'rm',
  'rmdir',
  'symlink',
  'truncate',
  'unlink',
  'utimes',
  'writeFile',
];
if (limitFile !== '' && traceFile !== '') {
  count(fs.promises, CHANGES);
  count(
    fs,
    CHANGES.map((name) => `${name}Sync`),
  );
  count(childProcess, ['spawn', 'execFile', 'spawnSync']);
  syncBuiltinESMExports();
}
