import type { HealthLogEntry } from '../../api/container.ts';
import type { RunningExec } from '../../runtime/supervisor.ts';
import type { Live } from '../containers/live.ts';
import { newSession, startSession, type ExecContext } from '../exec/session.ts';
import { goDuration, probeCommand, probeTimeout } from './state.ts';

/** bytes of a probe's output that are kept */
const MAX_OUTPUT = 4096;
/** milliseconds in which a probe has to begin; what it takes to begin is not the probe's own time */
const BEGIN_WITHIN = 30_000;

/** Runs the container's health command once. Never throws: what goes wrong is a result too. Ends the command on `signal`. */
export async function probe(ctx: ExecContext, live: Live, signal: AbortSignal): Promise<HealthLogEntry> {
  const { clock } = ctx.containers;
  const Start = clock.timestamp();
  const result = await run(ctx, live, signal).catch((error: unknown) => ({
    ExitCode: -1,
    Output: error instanceof Error ? error.message : String(error),
  }));
  return { Start, End: clock.timestamp(), ...result };
}

type Outcome = Pick<HealthLogEntry, 'ExitCode' | 'Output'>;

async function run(ctx: ExecContext, live: Live, signal: AbortSignal): Promise<Outcome> {
  const { config, id } = live.record;
  const command = probeCommand(config) ?? [];
  if (command.length === 0) throw new Error(`healthcheck for container ${id} has no command`);
  const session = newSession(ctx, live, { Cmd: command, AttachStdout: true, AttachStderr: true }, { probe: true });
  const running = await startSession(ctx, session, {});
  const output = new LimitedText();
  running.console.onOutput((_stream, chunk) => output.add(chunk));
  const stop = () => void running.kill().catch(() => undefined);
  signal.addEventListener('abort', stop);
  try {
    const limit = probeTimeout(config.Healthcheck ?? {});
    const how = await within(ctx, running, limit);
    if (how === 'never began') throw new Error(`timed out starting health check for container ${id}`);
    if (how === 'too long') {
      const said = output.text();
      return {
        ExitCode: -1,
        Output: `Health check exceeded timeout (${goDuration(limit)})${said === '' ? '' : `: ${said}`}`,
      };
    }
    return { ExitCode: how, Output: output.text() };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Waits for the command's exit code. One that takes too long is ended with its children first, so that none pile up. */
async function within(
  ctx: ExecContext,
  running: RunningExec,
  limit: number,
): Promise<number | 'too long' | 'never began'> {
  let cancel: () => void = () => undefined;
  const sleep = (milliseconds: number) =>
    new Promise<undefined>((done) => (cancel = ctx.containers.clock.setTimeout(() => done(undefined), milliseconds)));
  const exited = running.exited;
  try {
    for (let waited = 0; ;) {
      const code = await Promise.race([exited, sleep(limit)]);
      if (code !== undefined) return code;
      waited += limit;
      const began = (await running.pid()) > 0;
      if (!began && waited < BEGIN_WITHIN) continue;
      await running.kill();
      await exited.catch(() => undefined);
      return began ? 'too long' : 'never began';
    }
  } finally {
    cancel();
  }
}

/** Both outputs in one, up to a limit; says when there was more. */
class LimitedText {
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #more = false;

  add(chunk: Buffer): void {
    const kept = chunk.subarray(0, MAX_OUTPUT - this.#size);
    if (kept.length < chunk.length) this.#more = true;
    if (kept.length === 0) return;
    this.#chunks.push(Buffer.from(kept));
    this.#size += kept.length;
  }

  text = (): string => Buffer.concat(this.#chunks).toString('utf8') + (this.#more ? '...' : '');
}
