import type { ExecConfig, ExecInspect } from '../../api/container.ts';
import { conflict, invalid, notFound } from '../../api/errors.ts';
import { parseDetachKeys } from '../containers/detach-keys.ts';
import type { Live } from '../containers/live.ts';
import { guard } from '../containers/state.ts';
import { serveExec } from './serve.ts';
import { checkStart, newSession, startSession, type ExecContext, type ExecSession } from './session.ts';
import type { ExecBackend } from './types.ts';

export function createExec(ctx: ExecContext): ExecBackend {
  const { containers } = ctx;
  const get = (id: string): ExecSession => {
    const session = ctx.sessions.get(id);
    if (!session) throw notFound(`No such exec instance: ${id}`);
    return session;
  };
  containers.table.onChange((record, action) => {
    if (action !== 'destroy') return;
    for (const session of ctx.sessions.values()) if (session.live.id === record.id) ctx.sessions.delete(session.id);
  });
  return {
    create: (reference, config) => Promise.resolve(create(ctx, containers.table.get(reference), config)),
    startDetached: async (id) => {
      const running = await startSession(ctx, get(id), {});
      // Nobody listens: what it writes is thrown away, or it would stop when the pipe is full.
      running.console.onOutput(() => undefined);
    },
    startAttached: (id, request) => {
      const session = get(id);
      checkStart(session);
      return { tty: request.Tty ?? false, run: (connection) => serveExec(ctx, session, request, connection) };
    },
    resize: async (id, height, width) => {
      const session = get(id);
      if (!session.running || session.exitCode !== undefined) throw conflict(`Exec ${id} is not running`);
      if (session.config.Tty) await session.running.resize(height, width);
    },
    inspect: (id) => inspect(get(id)),
  };
}

function create(ctx: ExecContext, live: Live, config: ExecConfig): string {
  if (!Array.isArray(config.Cmd) || config.Cmd.length === 0) throw invalid('No exec command specified');
  guard('exec', live.record);
  ctx.containers.cgroups.anticipate?.();
  return newSession(ctx, live, config, { keys: parseDetachKeys(config.DetachKeys) }).id;
}

async function inspect(session: ExecSession): Promise<ExecInspect> {
  const { config } = session;
  const [entrypoint = '', ...rest] = config.Cmd ?? [];
  session.pid ||= (await session.running?.pid()) ?? 0;
  return {
    ID: session.id,
    Running: session.running !== undefined && session.exitCode === undefined,
    ExitCode: session.exitCode ?? null,
    ProcessConfig: {
      tty: config.Tty ?? false,
      entrypoint,
      arguments: rest,
      privileged: config.Privileged ?? false,
      ...(config.User ? { user: config.User } : {}),
    },
    OpenStdin: config.AttachStdin ?? false,
    OpenStderr: config.AttachStderr ?? false,
    OpenStdout: config.AttachStdout ?? false,
    CanRemove: session.exitCode !== undefined,
    ContainerID: session.live.id,
    DetachKeys: config.DetachKeys ?? '',
    Pid: session.pid,
  };
}
