import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ExecConfig } from '../../api/container.ts';
import { conflict, EngineError, invalid, systemError } from '../../api/errors.ts';
import { RuntimeFailure } from '../../runtime/failures.ts';
import type { RunningExec } from '../../runtime/supervisor.ts';
import type { BuildExecProcess } from '../../runtime/types.ts';
import { mkdir, rm } from '../../system/small-files.ts';
import { emit, type ContainersContext } from '../containers/context.ts';
import type { Live } from '../containers/live.ts';
import { guard } from '../containers/state.ts';
import { ownerOf } from '../containers/user-namespace.ts';
import type { ExecStartRequest } from './types.ts';

/** How long the result of an ended exec can be asked for, in milliseconds. */
const KEPT = 5 * 60_000;

/** One command to be run, or run, in a container. */
export interface ExecSession {
  readonly id: string;
  readonly live: Live;
  readonly config: ExecConfig;
  readonly keys: Buffer;
  /** set when the start began */
  started: boolean;
  running: RunningExec | undefined;
  exitCode: number | undefined;
  pid: number;
  /** a health check: nobody asks for its result later, and one left by an engine that was killed is ended at the next start */
  readonly probe: boolean;
}

/** Name of a probe's directory among those of other execs. */
export const PROBE_PREFIX = 'probe-';

export interface ExecContext {
  readonly containers: ContainersContext;
  readonly buildExecProcess: BuildExecProcess;
  readonly sessions: Map<string, ExecSession>;
}

/** As events have it: dockerd writes the space also where no argument follows. */
export function commandText(config: ExecConfig): string {
  const [program = '', ...rest] = config.Cmd ?? [];
  return `${program} ${rest.join(' ')}`;
}

/** Takes a command up, to be run later. */
export function newSession(
  ctx: ExecContext,
  live: Live,
  config: ExecConfig,
  { keys = Buffer.alloc(0), probe = false }: { keys?: Buffer; probe?: boolean },
): ExecSession {
  const id = randomBytes(32).toString('hex');
  const session: ExecSession = {
    ...{ id, live, config, keys, probe },
    ...{ started: false, running: undefined, exitCode: undefined, pid: 0 },
  };
  ctx.sessions.set(id, session);
  live.execIds.add(id);
  emit(ctx.containers, live, `exec_create: ${commandText(config)}`, { execID: id });
  return session;
}

export function checkStart(session: ExecSession): void {
  if (session.exitCode !== undefined) throw conflict(`Error: Exec command ${session.id} has already run`);
  if (session.started) throw conflict(`Error: Exec command ${session.id} is already running`);
  guard('exec', session.live.record);
}

/** Runs the command. Throws EngineError when it cannot be; its exit code is then 126 or 127, as inspect tells. */
export async function startSession(
  ctx: ExecContext,
  session: ExecSession,
  request: ExecStartRequest,
): Promise<RunningExec> {
  checkStart(session);
  session.started = true;
  ctx.containers.cgroups.anticipate?.();
  const { layout, facts, supervisor } = ctx.containers;
  const { record } = session.live;
  const directory = join(
    layout.containerRun(record.id),
    'exec',
    `${session.probe ? PROBE_PREFIX : ''}${session.id.slice(0, 16)}`,
  );
  const discard = () => rm(directory, { recursive: true, force: true }).catch(() => undefined);
  try {
    const process = await ctx.buildExecProcess(record, session.config, layout.overlay(record.id).merged, facts);
    const size = request.ConsoleSize ?? session.config.ConsoleSize;
    if (size && session.config.Tty) process.consoleSize = { height: size[0], width: size[1] };
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const running = await supervisor.exec({
      containerId: record.id,
      process: JSON.stringify(process),
      directory,
      tty: session.config.Tty ?? false,
      stdin: session.config.AttachStdin ?? false,
      owner: ownerOf(record, process.user),
    });
    session.running = running;
    void running.pid().then((pid) => (session.pid ||= pid));
    emit(ctx.containers, session.live, `exec_start: ${commandText(session.config)}`, { execID: session.id });
    void running.exited.then(
      (code) => ended(ctx, session, code).then(discard),
      (error: unknown) => ended(ctx, session, error instanceof RuntimeFailure ? error.exitCode : 255).then(discard),
    );
    return running;
  } catch (error) {
    await discard();
    await ended(ctx, session, error instanceof RuntimeFailure ? error.exitCode : 126);
    throw asEngineError(error);
  }
}

export function asEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  if (error instanceof RuntimeFailure && error.faultOfRequest) return invalid(error.message, error);
  return systemError(error instanceof Error ? error.message : String(error), error);
}

async function ended(ctx: ExecContext, session: ExecSession, code: number): Promise<void> {
  if (session.exitCode !== undefined) return;
  // First of all: who sees the stream end asks for the exit code next.
  session.exitCode = code;
  session.pid ||= (await session.running?.pid().catch(() => 0)) ?? 0;
  // Only what can be asked for is kept, not the process with its streams.
  session.running = undefined;
  const { id } = session;
  session.live.execIds.delete(session.id);
  emit(ctx.containers, session.live, 'exec_die', { execID: session.id, exitCode: String(code) });
  if (session.probe) ctx.sessions.delete(session.id);
  else setTimeout(() => ctx.sessions.delete(id), KEPT).unref();
}
