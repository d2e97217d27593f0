import { spawn } from 'node:child_process';

export interface ExecOptions {
  /** written to stdin, which is then closed */
  input?: string | Uint8Array;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** exit codes that are not failures; default [0] */
  okCodes?: readonly number[];
  /** milliseconds, then SIGKILL; default 60 000 */
  timeout?: number;
  signal?: AbortSignal;
  /** bytes of stdout kept; default 16 MiB */
  maxOutput?: number;
}
export interface ExecResult {
  stdout: string;
  stderr: string;
  code: number;
}

/** A program failed: carries what was run and what it said. */
export class ExecError extends Error {
  readonly argv: readonly string[];
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;

  constructor(argv: readonly string[], code: number | null, stdout: string, stderr: string, why?: string) {
    super(`${argv[0]}: ${why ?? (stderr.trim() || stdout.trim() || `exit status ${code}`)}`);
    this.name = 'ExecError';
    this.argv = argv;
    this.code = code;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/** Runs a program to its end. Throws ExecError when it cannot start, exits with another code, or takes too long. */
export type Exec = (argv: readonly string[], options?: ExecOptions) => Promise<ExecResult>;

export const exec: Exec = (argv, options = {}) =>
  new Promise((done, fail) => {
    const [program, ...args] = argv;
    if (program === undefined) throw new Error('exec: no program');
    const child = spawn(program, args, {
      env: options.env,
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      signal: options.signal,
      killSignal: 'SIGKILL',
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const limit = options.maxOutput ?? 16 * 1024 * 1024;
    let size = 0;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, options.timeout ?? 60_000);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (err.length < 64) err.push(chunk);
    });
    const text = () => [Buffer.concat(out).toString('utf8'), Buffer.concat(err).toString('utf8')] as const;
    child.on('error', (error) => {
      clearTimeout(timer);
      fail(new ExecError(argv, null, ...text(), error.message));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      const [stdout, stderr] = text();
      if (late) fail(new ExecError(argv, code, stdout, stderr, `did not end within ${options.timeout ?? 60_000} ms`));
      else if (code !== null && (options.okCodes ?? [0]).includes(code)) done({ stdout, stderr, code });
      else fail(new ExecError(argv, code, stdout, stderr));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
  });
