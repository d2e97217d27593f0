import type { Hijacked } from '../../http/router.ts';
import { startTimeOf } from '../../runtime/process-identity.ts';
import { emit } from '../containers/context.ts';
import { HoldBack } from '../containers/hold-back.ts';
import { flushed, outputWriter, pumpInput } from '../containers/raw-stream.ts';
import { asEngineError, startSession, type ExecContext, type ExecSession } from './session.ts';
import type { ExecStartRequest } from './types.ts';

/**
 * Runs the command with its streams on the connection. A command that cannot be run is told of on the stream, as dockerd does: the
 * connection is no longer HTTP, and the exit code is asked for afterwards.
 */
export async function serveExec(
  ctx: ExecContext,
  session: ExecSession,
  request: ExecStartRequest,
  connection: Hijacked,
): Promise<void> {
  const { config } = session;
  const tty = config.Tty ?? false;
  // As dockerd: what the start says decides the form of the stream, what the command was made with decides its terminal.
  const raw = request.Tty ?? false;
  const write = outputWriter(connection, {
    raw,
    stdout: config.AttachStdout ?? false,
    stderr: tty || (config.AttachStderr ?? false),
  });
  const complain = (error: unknown) => {
    const text = `${asEngineError(error).message}\r\n`;
    if (connection.writable.writable)
      outputWriter(connection, { raw, stdout: true, stderr: true })(1, Buffer.from(text));
    return flushed(connection);
  };
  let running;
  try {
    running = await startSession(ctx, session, request);
  } catch (error) {
    return complain(error);
  }
  const { console } = running;
  let leave: () => void = () => undefined;
  const left = new Promise<void>((done) => (leave = done));
  connection.signal.addEventListener('abort', leave);
  const back = new HoldBack(console, () => session.pid === 0 || startTimeOf(session.pid) !== undefined);
  console.onOutput((stream, chunk) => {
    const room = write(stream, chunk);
    if (room) back.hold(connection, room);
  });
  if (config.AttachStdin)
    void serveInput(
      ctx,
      session,
      connection,
      tty,
      (chunk) => console.write(chunk),
      () => console.end(),
      leave,
    );
  else connection.readable.resume();
  try {
    await Promise.race([running.exited, left]);
  } catch (error) {
    await complain(error);
  } finally {
    connection.signal.removeEventListener('abort', leave);
    // A client that left does not stop the command; its output goes nowhere.
    console.onOutput(() => undefined);
    back.end();
  }
  await flushed(connection);
}

async function serveInput(
  ctx: ExecContext,
  session: ExecSession,
  connection: Hijacked,
  tty: boolean,
  write: (chunk: Buffer) => Promise<void>,
  end: () => void,
  leave: () => void,
): Promise<void> {
  const how = await pumpInput(connection, tty ? session.keys : undefined, write);
  if (how === 'detached') {
    emit(ctx.containers, session.live, 'exec_detach', { execID: session.id });
    leave();
  } else end();
}
