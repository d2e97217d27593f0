import { rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { MachineSettings, MachineStatus, SettingsOutcome } from '../contract/machine.ts';
import { MachineError } from './types.ts';

/** The exit code of a process that was to hold the machine when another does. */
export const HELD_ELSEWHERE = 75;

/** What can be asked of the process that holds the machine. */
export type Request =
  | { verb: 'ping' }
  | { verb: 'status' }
  | { verb: 'watch' }
  | { verb: 'start' }
  /** `patience`: milliseconds until it is ended hard */
  | { verb: 'stop'; patience?: number }
  | { verb: 'kill' }
  /** this host woke up, or the network is another */
  | { verb: 'woke' }
  | { verb: 'settings'; change: Partial<MachineSettings> };

/** Answers are lines of JSON: one, or for `watch` one for each change. */
export type Answer =
  | { ok: true; pid?: number; how?: string; status?: MachineStatus; outcome?: SettingsOutcome }
  | { ok: false; error: string; hint: string };

export interface ControlHandler {
  answer(request: Exclude<Request, { verb: 'watch' }>): Promise<Answer>;
  watch(signal: AbortSignal): AsyncGenerator<MachineStatus>;
}

/** Serves the control socket: a request a connection. Fails when another process serves it. */
export async function serveControl(path: string, handler: ControlHandler): Promise<Server> {
  if ((await ask(path, { verb: 'ping' })) !== undefined)
    throw new MachineError('the machine is held by another process already', 'see: berth machine status');
  if (!path.startsWith('\\\\')) await rm(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => void serveOne(socket, handler));
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(path, done);
  });
  return server;
}

const failure = (error: unknown): Answer => ({
  ok: false,
  error: error instanceof Error ? error.message : String(error),
  hint: error instanceof MachineError ? error.hint : '',
});

async function serveOne(socket: Socket, handler: ControlHandler): Promise<void> {
  const gone = new AbortController();
  socket.on('error', () => undefined);
  socket.once('close', () => gone.abort());
  const send = (answer: Answer) => socket.write(`${JSON.stringify(answer)}\n`);
  try {
    const { value } = await createInterface({ input: socket })[Symbol.asyncIterator]().next();
    const request = JSON.parse(String(value)) as Request;
    if (request.verb === 'watch') for await (const status of handler.watch(gone.signal)) send({ ok: true, status });
    else send(await handler.answer(request));
  } catch (error) {
    send(failure(error));
  }
  socket.end();
}

/** The answer, or undefined when nobody holds the machine, or its holder ended before it answered. */
export async function ask(path: string, request: Request): Promise<Answer | undefined> {
  for await (const answer of askMany(path, request)) return answer;
  return undefined;
}

/** Like `ask`; a MachineError when the answer is a failure. */
export async function demand(path: string, request: Request): Promise<Extract<Answer, { ok: true }> | undefined> {
  const answer = await ask(path, request);
  if (answer?.ok === false) throw new MachineError(answer.error, answer.hint);
  return answer;
}

/** All answers until `signal`; none when nobody holds the machine. */
export async function* askMany(path: string, request: Request, signal?: AbortSignal): AsyncGenerator<Answer> {
  const socket = createConnection(path);
  const stop = () => socket.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((done, fail) => {
      socket.once('connect', done);
      socket.once('error', fail);
    });
    socket.on('error', () => undefined);
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of createInterface({ input: socket })) yield JSON.parse(line) as Answer;
  } catch {
    // nobody is there, or not any more
  } finally {
    signal?.removeEventListener('abort', stop);
    socket.destroy();
  }
}
