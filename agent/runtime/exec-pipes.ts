import { spawn } from 'node:child_process';
import { existsSync, fchownSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { readFile, writeFile } from '../system/small-files.ts';
import { ConsoleBuffer, type ConsoleConnection } from './console-connection.ts';
import { execFailure, lastLoggedError } from './failures.ts';
import { killTree } from './process-tree.ts';
import { pipeFromChild, pipeToChild, type ChildPipe } from './pipes.ts';
import type { ExecRequest, RunningExec } from './supervisor.ts';

/**
 * Runs a command in a container with plain pipes: the runtime's own `exec`, whose exit code is the command's. It ends with this
 * engine's streams, as Docker's does. The runtime's own errors go to a log file, so they cannot be taken for the command's.
 */
export async function execWithPipes(runtime: string, runtimeRoot: string, request: ExecRequest): Promise<RunningExec> {
  const file = (name: string) => join(request.directory, name);
  await writeFile(file('process.json'), request.process, { mode: 0o600 });
  const out = pipeFromChild();
  const err = pipeFromChild();
  const input = request.stdin ? pipeToChild() : undefined;
  // At its end from the start. Not /dev/null: crun would give that to the container's user.
  const nothing = request.stdin ? undefined : pipeToChild();
  nothing?.ours.destroy();
  if (request.owner)
    for (const pipe of [out, err, input]) if (pipe) fchownSync(pipe.childFd, request.owner.uid, request.owner.gid);
  const args = ['--root', runtimeRoot, '--log', file('runtime.log'), '--log-format', 'json', 'exec'];
  args.push('--process', file('process.json'), '--pid-file', file('pidfile'), request.containerId);
  const child = spawn(runtime, args, {
    stdio: [(input ?? nothing)?.childFd ?? 'ignore', out.childFd, err.childFd],
    cwd: request.directory,
  });
  for (const pipe of [out, err, input, nothing]) pipe?.closeChildEnd();
  const ended = new Promise<number>((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => done(code ?? (signal ? 137 : 255)));
  });
  const console = consoleOf(out, err, input, file('pidfile'));
  const exited = ended.then(async (code) => {
    // What is left is no more than the pipes hold.
    console.connection.resume();
    // Both pipes may stay open in a process the command left behind: then there is no end to wait for.
    await Promise.race([console.drained, new Promise((done) => setTimeout(done, 200))]);
    const said = code === 0 ? undefined : lastLoggedError(await readFile(file('runtime.log'), 'utf8').catch(() => ''));
    console.finish(said === undefined);
    if (said !== undefined) throw execFailure(said, argv0Of(request.process));
    return code;
  });
  exited.catch(() => undefined);
  const pid = async () => Number(await readFile(file('pidfile'), 'utf8').catch(() => '0'));
  return {
    pid,
    console: console.connection,
    exited,
    resize: () => Promise.resolve(),
    kill: async () => {
      const command = await pid();
      // The runtime waits for the command, so while it is there the number is the command's and no other's.
      if (child.exitCode !== null || child.signalCode !== null) return;
      await killTree(command > 0 ? command : (child.pid ?? 0));
    },
  };
}

const argv0Of = (process: string): string => (JSON.parse(process) as { args: string[] }).args[0] ?? '';

interface ExecConsole {
  connection: ConsoleConnection;
  /** both outputs are at their end */
  drained: Promise<unknown>;
  /** Gives out (or not) what was held back, and closes. */
  finish(showHeld: boolean): void;
}

function consoleOf(out: ChildPipe, err: ChildPipe, input: ChildPipe | undefined, pidfile: string): ExecConsole {
  const buffer = new ConsoleBuffer();
  const errors = holdUntilStarted(pidfile, (chunk) => buffer.output(2, chunk));
  out.ours.on('data', (chunk: Buffer) => buffer.output(1, chunk));
  err.ours.on('data', errors.take);
  const closed = [out, err].map((pipe) => new Promise<void>((done) => pipe.ours.once('close', () => done())));
  for (const pipe of [out, err, input]) pipe?.ours.on('error', () => pipe.ours.destroy());
  const close = () => {
    for (const pipe of [out, err, input]) pipe?.ours.destroy();
    buffer.close();
  };
  const connection: ConsoleConnection = {
    onOutput: (listener) => buffer.onOutput(listener),
    onClose: (listener) => buffer.onClose(listener),
    write: (chunk) => writeTo(input?.ours, chunk),
    end: () => void input?.ours.end(),
    pause: () => [out, err].forEach((pipe) => pipe.ours.pause()),
    resume: () => [out, err].forEach((pipe) => pipe.ours.resume()),
    close,
  };
  const finish = (showHeld: boolean) => {
    errors.finish(showHeld);
    close();
  };
  return { connection, drained: Promise.all(closed), finish };
}

/**
 * The runtime writes its own complaint to the command's stderr too. It writes the pid file when the command runs: what comes before that
 * waits until it is clear whose it is.
 */
function holdUntilStarted(
  pidfile: string,
  give: (chunk: Buffer) => void,
): { take: (chunk: Buffer) => void; finish: (show: boolean) => void } {
  let held: Buffer[] | undefined = [];
  let timer: NodeJS.Timeout | undefined;
  const release = (show: boolean) => {
    clearInterval(timer);
    const chunks = held ?? [];
    held = undefined;
    if (show) chunks.forEach(give);
  };
  const look = () => {
    if (held && existsSync(pidfile)) release(true);
  };
  return {
    take: (chunk) => {
      look();
      if (!held) return give(chunk);
      held.push(chunk);
      timer ??= setInterval(look, 2);
    },
    finish: release,
  };
}

async function writeTo(target: Socket | undefined, chunk: Buffer): Promise<void> {
  if (!target?.writable || target.write(chunk)) return;
  await new Promise<void>((done) => {
    const settle = () => {
      target.off('drain', settle);
      target.off('close', settle);
      done();
    };
    target.on('drain', settle);
    target.on('close', settle);
  });
}
