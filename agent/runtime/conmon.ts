import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { readFile, rm } from '../system/small-files.ts';
import { lastLoggedError } from './failures.ts';

export interface ConmonOptions {
  conmon: string;
  runtime: string;
  /** the runtime's `--root` */
  runtimeRoot: string;
  id: string;
  name: string;
  bundle: string;
  exitDir: string;
  tty: boolean;
  stdin: boolean;
  leaveStdinOpen: boolean;
  logPath: string | undefined;
  /** a file with the process of an exec; absent to create a container */
  execProcess?: string;
}

/** conmon's answers on its sync pipe: one JSON value a line, `data` the pid, then (exec) the exit status. -1 says failure. */
export interface SyncMessage {
  data: number;
  message?: string;
}

export interface ConmonRun {
  messages: AsyncIterator<SyncMessage>;
  /** for an exec that is attached: the command starts when this is called */
  go(): void;
  /** resolves when conmon has its attach socket ready (exec only) */
  ready: Promise<void>;
  /** resolves when conmon's first process has ended: the pid file of the second is there then */
  detached: Promise<void>;
  /** what the runtime said when it failed */
  complaint(): Promise<string>;
  release(): void;
}

/** Starts conmon. It forks itself away and so outlives this process. */
export function startConmon(options: ConmonOptions): ConmonRun {
  const child = spawn(options.conmon, conmonArguments(options), {
    cwd: options.bundle,
    // fd 3: answers, fd 4: start (exec), fd 5: the attach socket is there (exec)
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', ...(options.execProcess ? ['pipe' as const, 'pipe' as const] : [])],
    env: {
      PATH: process.env['PATH'],
      _OCI_SYNCPIPE: '3',
      ...(options.execProcess ? { _OCI_STARTPIPE: '4', _OCI_ATTACHPIPE: '5' } : {}),
    },
  });
  const stderr: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  const detached = new Promise<void>((done) => child.once('exit', () => done()));
  const spawned = new Promise<never>((_done, fail) => child.once('error', fail));
  spawned.catch(() => undefined);
  const extra: readonly unknown[] = child.stdio;
  const start = extra[4] as NodeJS.WritableStream | null | undefined;
  start?.on('error', () => undefined);
  // The first byte lets conmon begin, the second lets an attached exec run its command.
  start?.write('\0');
  const attach = extra[5] as Readable | null | undefined;
  return {
    messages: readMessages(extra[3] as Readable, spawned),
    go: () => void start?.end('\0'),
    ready: attach ? firstChunk(attach) : Promise.resolve(),
    detached,
    complaint: async () => {
      const logged = await readFile(join(options.bundle, 'runtime.log'), 'utf8').catch(() => '');
      return lastLoggedError(logged) ?? Buffer.concat(stderr).toString('utf8').trim();
    },
    release: () => {
      for (const stream of child.stdio) stream?.destroy();
      // goes with the bundle else
      rm(join(options.bundle, 'runtime.log'), { force: true }).catch(() => undefined);
    },
  };
}

function conmonArguments(options: ConmonOptions): string[] {
  const args = [
    ['--api-version', '1'],
    ['-c', options.id],
    ['-u', options.id],
    ['-n', options.name],
    ['-r', options.runtime],
    ['-b', options.bundle],
    ['-p', join(options.bundle, 'pidfile')],
    ['--conmon-pidfile', join(options.bundle, 'conmon.pid')],
    ['--full-attach', '--no-sync-log'],
    ['-l', options.logPath === undefined ? 'none' : `k8s-file:${options.logPath}`],
    ...['--root', options.runtimeRoot, '--log', join(options.bundle, 'runtime.log'), '--log-format', 'json'].map(
      (argument) => [`--runtime-arg=${argument}`],
    ),
  ].flat();
  if (options.tty) args.push('-t');
  if (options.stdin) args.push('-i');
  if (options.leaveStdinOpen) args.push('--leave-stdin-open');
  if (options.execProcess) args.push('-e', '--exec-attach', '--exec-process-spec', options.execProcess);
  else args.push('--exit-dir', options.exitDir);
  return args;
}

async function* readMessages(pipe: Readable, failed: Promise<never>): AsyncGenerator<SyncMessage> {
  let text = '';
  const chunks = (pipe as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([chunks.next(), failed]);
    if (next.done) return;
    text += next.value.toString('utf8');
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n')) {
      const line = text.slice(0, at).trim();
      text = text.slice(at + 1);
      if (line === '') continue;
      const value = JSON.parse(line) as { data?: number; pid?: number; exit_code?: number; message?: string };
      yield { data: value.data ?? value.pid ?? value.exit_code ?? -1, message: value.message };
    }
  }
}

function firstChunk(pipe: Readable): Promise<void> {
  return new Promise((done, fail) => {
    pipe.once('data', () => done());
    pipe.once('end', () => fail(new Error('conmon ended before its attach socket was there')));
    pipe.once('error', fail);
  });
}
