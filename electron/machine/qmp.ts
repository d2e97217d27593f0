import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE = 5_000;

export interface QmpCommand {
  execute: string;
  arguments?: object;
}

/** It ended while it was asked. */
export class MachineGone extends Error {
  override readonly name = 'MachineGone';
  override readonly message = 'the machine has ended';
}

/**
 * QEMU's monitor (docs/interop/qmp-spec): one JSON object a line; a greeting, then capabilities, then commands. Runs the commands in
 * turn and gives their results. `quit` is answered by the connection's end.
 */
export async function qmp(path: string, ...commands: QmpCommand[]): Promise<unknown[]> {
  const socket = await open(path);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  // a reset connection ends no lines
  const over = new Promise<{ done: true; value: undefined }>((ended) =>
    socket.once('close', () => ended({ done: true, value: undefined })),
  );
  const next = async (): Promise<Record<string, unknown>> => {
    for (;;) {
      const { value, done } = await Promise.race([lines.next(), over]);
      if (done) return { closed: true };
      const message = JSON.parse(value as string) as Record<string, unknown>;
      if (!('event' in message)) return message;
    }
  };
  try {
    await next(); // the greeting
    const results: unknown[] = [];
    for (const command of [{ execute: 'qmp_capabilities' }, ...commands]) {
      socket.write(`${JSON.stringify(command)}\n`);
      const answer = await next();
      if (answer['closed'] && command.execute !== 'quit') throw new MachineGone();
      const error = answer['error'] as { desc?: string } | undefined;
      if (error) throw new Error(`${command.execute}: ${error.desc ?? 'failed'}`);
      results.push(answer['return']);
    }
    return results.slice(1);
  } catch (error) {
    throw isBroken(error) ? new MachineGone() : error;
  } finally {
    socket.destroy();
  }
}

const isBroken = (error: unknown) => ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');

function open(path: string): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = createConnection(path, () => done(socket));
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('the monitor does not answer')));
    socket.on('error', fail);
  });
}

/** QEMU serves one client of its monitor at a time: commands from here wait for each other. */
export class Monitor {
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when QEMU, just started, takes commands. */
  async listens(): Promise<void> {
    for (const until = performance.now() + PATIENCE; ; await sleep(2)) {
      const answered = await this.run({ execute: 'query-status' }).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (!['ENOENT', 'ECONNREFUSED'].includes(error.code ?? '') || performance.now() > until) throw error;
          return false;
        },
      );
      if (answered) return;
    }
  }

  run(command: QmpCommand): Promise<unknown> {
    const result = this.#last.then(() => qmp(this.#path, command)).then(([value]) => value);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** A command of the monitor for people, which has no other form; gives what it said, trimmed. */
  async human(line: string): Promise<string> {
    const said = await this.run({ execute: 'human-monitor-command', arguments: { 'command-line': line } });
    return String(said).trim();
  }
}
