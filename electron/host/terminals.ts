import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { TerminalUpdate } from '../contract/model.ts';
import type { EngineClient } from '../engine/client.ts';
import { HostError } from './failures.ts';
import { Wake } from './signals.ts';

/** Tells the shell's process number in the container (an OSC sequence no terminal knows), then becomes the best shell there is. */
const SHELL = `printf '\\033]7770;%s\\007' $$
command -v bash >/dev/null 2>&1 && exec bash
command -v ash >/dev/null 2>&1 && exec ash
exec sh`;
/** Milliseconds and characters that are waited for it: what was typed early is echoed before it. */
const GREETING_TIME = 1_500;
const GREETING_ROOM = 16 * 1024;
// oxlint-disable-next-line no-control-regex
const GREETING = /\u001b\]7770;(\d+)\u0007/;
/** More characters than this waiting for a slow window stop the reading. */
const HIGH_WATER = 256 * 1024;

export interface TerminalRequest {
  id: string;
  command: string[];
  user: string;
  columns: number;
  rows: number;
}

interface Session {
  exec: string;
  socket: Duplex;
}

/** Shells in containers. A terminal lives as long as its stream of updates is read; ending that hangs it up. */
export class Terminals {
  readonly #client: EngineClient;
  readonly #sessions = new Map<string, Session>();

  constructor(client: EngineClient) {
    this.#client = client;
  }

  async *open(request: TerminalRequest, signal: AbortSignal): AsyncGenerator<TerminalUpdate> {
    const own = request.command.length === 0;
    const size: [number, number] = [request.rows, request.columns];
    const { Id: exec } = await this.#client.createExec(request.id, {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
      ConsoleSize: size,
      Cmd: own ? ['/bin/sh', '-c', SHELL] : request.command,
      Env: ['TERM=xterm-256color'],
      User: request.user,
    });
    const socket = await this.#client.startExec(exec, { Tty: true, ConsoleSize: size });
    const session = randomUUID();
    this.#sessions.set(session, { exec, socket });
    const output = new TerminalOutput(socket, own);
    try {
      // engines before API 1.42 do not know ConsoleSize
      await this.#client.resizeExec(exec, request.columns, request.rows).catch(() => undefined);
      yield { kind: 'session', session };
      for await (const data of output.read(signal)) yield { kind: 'output', data };
      if (signal.aborted) return;
      const { ExitCode } = await this.#client.inspectExec(exec);
      yield { kind: 'exit', code: ExitCode };
    } finally {
      this.#sessions.delete(session);
      if (!output.ended) await this.#hangUp(request.id, socket, output.pid);
      socket.destroy();
    }
  }

  write(session: string, data: string): void {
    this.#find(session).socket.write(data);
  }

  async resize(session: string, columns: number, rows: number): Promise<void> {
    await this.#client.resizeExec(this.#find(session).exec, columns, rows);
  }

  #find(session: string): Session {
    const found = this.#sessions.get(session);
    if (!found) throw new HostError({ code: 'not-found', message: 'The terminal is closed.' });
    return found;
  }

  /** Closing the connection alone leaves the shell running in Docker: it is told to hang up, as when a terminal's window closes. */
  async #hangUp(container: string, socket: Duplex, pid: number | undefined): Promise<void> {
    try {
      if (pid === undefined) {
        socket.write('\u0003\u0004');
        return;
      }
      const kill = await this.#client.createExec(container, { Cmd: ['/bin/sh', '-c', `kill -HUP ${pid}`], User: '0' });
      await this.#client.startExecDetached(kill.Id);
    } catch {
      // the container has ended, and the shell with it
    }
  }
}

/** A TTY's bytes as text: characters cut by a packet's end are joined; the shell's greeting is taken out. */
class TerminalOutput {
  /** the shell's, in the container's pid namespace, once it told */
  pid: number | undefined;
  ended = false;
  readonly #socket: Duplex;
  readonly #wake = new Wake();
  #text = '';
  /** what came before the greeting was complete */
  #greeting: string | undefined;

  constructor(socket: Duplex, greeted: boolean) {
    this.#socket = socket;
    this.#greeting = greeted ? '' : undefined;
    const decoder = new StringDecoder('utf8');
    const patience = setTimeout(() => this.#greeted(), greeted ? GREETING_TIME : 0);
    socket.on('data', (chunk: Buffer) => {
      this.#add(decoder.write(chunk));
      if (this.#text.length > HIGH_WATER) socket.pause();
      this.#wake.wake();
    });
    const end = () => {
      clearTimeout(patience);
      this.ended = true;
      this.#greeted();
    };
    socket.once('end', end);
    socket.once('close', end);
    socket.on('error', end);
  }

  async *read(signal: AbortSignal): AsyncGenerator<string> {
    while (!signal.aborted) {
      if (this.#text !== '') {
        const text = this.#text;
        this.#text = '';
        if (this.#socket.isPaused()) this.#socket.resume();
        yield text;
      } else if (this.ended) return;
      else await this.#wake.wait(signal);
    }
  }

  #add(text: string): void {
    if (this.#greeting === undefined) {
      this.#text += text;
      return;
    }
    this.#greeting += text;
    const match = GREETING.exec(this.#greeting);
    if (!match && this.#greeting.length < GREETING_ROOM) return;
    if (match) this.pid = Number(match[1]);
    this.#greeted();
  }

  /** The greeting has come, or is not to be expected any more (an error message came instead). */
  #greeted(): void {
    if (this.#greeting !== undefined) {
      this.#text += this.#greeting.replace(GREETING, '');
      this.#greeting = undefined;
    }
    this.#wake.wake();
  }
}
