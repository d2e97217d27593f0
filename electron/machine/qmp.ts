import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
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

interface Answer {
  QMP?: object;
  event?: string;
  id?: number;
  return?: unknown;
  error?: { desc?: string };
}

/** QEMU's monitor (docs/interop/qmp-spec) over one connection: one JSON object a line; a greeting, then capabilities, then commands. */
export class Conversation {
  readonly #input: Writable;
  readonly #waiting = new Map<number, (answer?: Answer) => void>();
  readonly #ready: Promise<unknown>;
  #last = 0;
  #over = false;

  constructor(output: Readable, input: Writable) {
    this.#input = input;
    const greeting = this.#answer(0);
    createInterface({ input: output })
      .on('line', (line) => this.#hear(JSON.parse(line) as Answer))
      .on('error', () => undefined);
    const end = () => {
      this.#over = true;
      for (const done of this.#waiting.values()) done();
    };
    output.once('end', end).once('close', end).on('error', end);
    input.on('error', end);
    this.#ready = greeting.then(() => this.#send({ execute: 'qmp_capabilities' }));
    this.#ready.catch(() => undefined); // told to who asks
  }

  /** `quit` is answered by the end. */
  async ask(command: QmpCommand): Promise<unknown> {
    await this.#ready;
    return this.#send(command).catch((error: unknown) => {
      if (command.execute === 'quit' && error instanceof MachineGone) return undefined;
      throw error;
    });
  }

  async #send({ execute, ...rest }: QmpCommand): Promise<unknown> {
    const id = ++this.#last;
    const answer = this.#answer(id);
    this.#input.write(`${JSON.stringify({ execute, ...rest, id })}\n`);
    const { error, return: result } = await answer;
    if (error) throw new Error(`${execute}: ${error.desc ?? 'failed'}`);
    return result;
  }

  #answer(id: number): Promise<Answer> {
    return new Promise((done, fail) => {
      const late = setTimeout(() => {
        this.#waiting.delete(id);
        fail(new Error('the monitor does not answer'));
      }, PATIENCE);
      const hear = (answer?: Answer) => {
        clearTimeout(late);
        this.#waiting.delete(id);
        if (answer) done(answer);
        else fail(new MachineGone());
      };
      this.#waiting.set(id, hear);
      if (this.#over) hear();
    });
  }

  #hear(message: Answer): void {
    if (message.event !== undefined) return;
    this.#waiting.get(message.QMP ? 0 : (message.id ?? this.#last))?.(message);
  }
}

/** A connection of its own to a monitor that serves a socket: runs the commands in turn and gives their results. */
export async function qmp(path: string, ...commands: QmpCommand[]): Promise<unknown[]> {
  const socket = await open(path);
  const conversation = new Conversation(socket, socket);
  try {
    const results: unknown[] = [];
    for (const command of commands) results.push(await conversation.ask(command));
    return results;
  } finally {
    socket.destroy();
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = createConnection(path, () => done(socket));
    socket.on('error', fail);
  });
}

/** Commands from here wait for each other: QEMU serves one client of its monitor at a time. */
export class Monitor {
  readonly #ask: (command: QmpCommand) => Promise<unknown>;
  #last: Promise<unknown> = Promise.resolve();

  /** `way`: the path of its socket, or what it is connected to for as long as it lives */
  constructor(way: string | Conversation) {
    this.#ask =
      typeof way === 'string' ? (command) => qmp(way, command).then(([value]) => value) : (command) => way.ask(command);
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
    const result = this.#last.then(() => this.#ask(command));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** A command of the monitor for people, which has no other form; gives what it said, trimmed. */
  async human(line: string): Promise<string> {
    const said = await this.run({ execute: 'human-monitor-command', arguments: { 'command-line': line } });
    return String(said).trim();
  }
}
