import type { Hijacked } from '../../http/router.ts';
import { emit, type ContainersContext } from './context.ts';
import { parseDetachKeys } from './detach-keys.ts';
import type { Live } from './live.ts';
import { flushed, outputWriter, pumpInput, withoutHeads } from './raw-stream.ts';
import { guard, hasProcesses } from './state.ts';

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  stream: boolean;
  /** what was written before comes first */
  logs: boolean;
  detachKeys: string | null;
  /** each piece of output tells its stream, unless the container has a terminal */
  multiplexed: boolean;
}

/** Gives what a container wrote so far (POST attach with logs=1). */
export type ReplayLogs = (
  id: string,
  options: { stdout: boolean; stderr: boolean },
  connection: Hijacked,
) => Promise<void>;

/** Checks what can be checked before the connection is taken over; gives what then serves it. */
export function attach(
  ctx: ContainersContext,
  live: Live,
  options: AttachOptions,
  replay: ReplayLogs,
): (connection: Hijacked) => Promise<void> {
  guard('attach', live.record);
  const keys = parseDetachKeys(options.detachKeys, 'detach');
  const { Tty: tty = false, OpenStdin: openStdin = false, StdinOnce: stdinOnce = false } = live.record.config;
  return async (connection) => {
    const write = outputWriter(connection, { ...options, raw: tty || !options.multiplexed });
    const plain = !tty && !options.multiplexed;
    if (options.logs)
      await replay(
        live.id,
        options,
        plain ? { ...connection, writable: withoutHeads(connection.writable) } : connection,
      );
    if (!options.stream) return flushed(connection);
    emit(ctx, live, 'attach');
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((done) => (finish = done));
    // An end of the connection would be an end of input for a process that has its stdin once.
    const leave = live.hub.join({ onOutput: write, onEnd: finish }, openStdin && stdinOnce);
    connection.signal.addEventListener('abort', finish);
    try {
      if (hasProcesses(live.record)) await live.hub.connect(() => ctx.supervisor.attach(ctx.layout.bundle(live.id)));
      if (options.stdin && openStdin) void serveInput(ctx, live, connection, tty ? keys : undefined, stdinOnce, finish);
      else connection.readable.resume();
      await finished;
    } finally {
      connection.signal.removeEventListener('abort', finish);
      leave();
    }
    await flushed(connection);
  };
}

async function serveInput(
  ctx: ContainersContext,
  live: Live,
  connection: Hijacked,
  keys: Buffer | undefined,
  stdinOnce: boolean,
  finish: () => void,
): Promise<void> {
  const end = await pumpInput(connection, keys, (chunk) => live.hub.write(chunk));
  if (end === 'detached') {
    emit(ctx, live, 'detach');
    finish();
  } else if (stdinOnce) live.hub.endInput();
}
