import childProcess from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { syscalls } from '../../system/syscalls.ts';

/**
 * Loaded into an engine before its own code (`--import`): once the file $BERTH_STEP_LIMIT is there, every call that changes the disk or
 * the kernel or starts a program is a step, written as a line to $BERTH_STEP_TRACE. The file says a number and what happens there:
 * "N KILL", the engine kills itself before step N; "N ENOSPC" (or another error's name), that one step fails.
 */
const limitFile = process.env['BERTH_STEP_LIMIT'] ?? '';
const traceFile = process.env['BERTH_STEP_TRACE'] ?? '';
const quiet = { appendFileSync, existsSync, readFileSync, statSync };

/** the calls below call others that are counted */
let inside = false;

/** The name of the error this step is to fail with. */
function step(name: string, about: unknown): string | undefined {
  // the entries of a layer, which are hundreds of steps of one kind
  if (inside || /\/diff\/.*[02-9a-z]$/.test(String(about)) || !quiet.existsSync(limitFile)) return undefined;
  inside = true;
  try {
    const [limit, what] = quiet.readFileSync(limitFile, 'utf8').split(' ');
    if (what === 'KILL' && FAILING_ONLY.test(name)) return undefined;
    const line = `${name} ${String(about)}`.replaceAll('\n', ' ').slice(0, 150).padEnd(150);
    // lines of one length: the size says the number, for all threads together
    quiet.appendFileSync(traceFile, `${line}\n`);
    const number = quiet.statSync(traceFile).size / 151;
    if (what === 'KILL' && number >= Number(limit)) process.kill(process.pid, 'SIGKILL');
    return number === Number(limit) ? what : undefined;
  } finally {
    inside = false;
  }
}

/** A kill before these is the same as one before the step that comes next. */
const FAILING_ONLY = /^(handle|open|syscall)/;

const failure = (code: string, name: string) =>
  Object.assign(new Error(`${code}: made to fail, ${name}`), { code, syscall: name });

type Call = (...args: unknown[]) => unknown;
type Fail = (error: Error, args: unknown[], original: Call) => unknown;
const throws: Fail = (error) => {
  throw error;
};
const rejects: Fail = (error) => Promise.reject(error);

function count(holder: object, names: readonly string[], fail: Fail, kind = ''): void {
  const calls = holder as Record<string, Call>;
  for (const name of names) {
    const original = calls[name];
    if (typeof original !== 'function') continue;
    const counted = function (this: unknown, ...args: unknown[]) {
      const code = step(`${kind}${name}`, typeof args[0] === 'string' ? args[0] : '');
      if (code === undefined) return original.apply(this, args);
      return fail(failure(code, name), args, original.bind(this));
    };
    calls[name] = Object.assign(counted, original);
  }
}

/** A file opened to be written can fail at that, and at each write and flush. */
function countWrites(): void {
  const { open } = fs.promises;
  fs.promises.open = async (path, flags, mode) => {
    const writes = typeof flags === 'string' && /[wa+]/.test(flags);
    const code = writes ? step('open', path) : undefined;
    if (code !== undefined) throw failure(code, 'open');
    const handle = await open(path, flags, mode);
    count(handle, ['writeFile', 'write', 'appendFile', 'sync', 'datasync'], rejects, `handle ${String(path)} `);
    return handle;
  };
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
  count(fs.promises, CHANGES, rejects);
  count(
    fs,
    CHANGES.map((name) => `${name}Sync`),
    throws,
  );
  countWrites();
  // a program that cannot be started is told of by an event
  const noProgram: Fail = (_error, [, ...rest], spawn) => spawn('/nonexistent/made-to-fail', ...rest);
  count(childProcess, ['spawn', 'execFile', 'spawnSync'], noProgram);
  // not setns: with the way back closed, all that follows would be done in the wrong place
  count(syscalls(), ['mount', 'umount', 'mknod', 'mkfifo', 'unshare'], throws, 'syscall ');
  syncBuiltinESMExports();
}
