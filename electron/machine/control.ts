import { rm } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';

/** What can be asked of the process that holds the machine. */
export type Verb = 'ping' | 'stop' | 'kill';

/** Serves the control socket: a verb a connection, answered with a line when it is done. Fails when another process serves it. */
export async function serveControl(path: string, handle: (verb: Verb) => Promise<string>): Promise<Server> {
  if ((await ask(path, 'ping')) !== undefined) throw new Error('the machine runs already');
  if (!path.startsWith('\\\\')) await rm(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (!text.includes('\n')) return;
      const answer = isVerb(text.trim()) ? handle(text.trim() as Verb) : Promise.resolve('unknown');
      answer.then(
        (line) => socket.end(`${line}\n`),
        (error: unknown) => socket.end(`error ${String(error)}\n`),
      );
    });
  });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(path, done);
  });
  return server;
}

const isVerb = (text: string) => text === 'ping' || text === 'stop' || text === 'kill';

/** The answer, or undefined when nobody holds the machine. */
export function ask(path: string, verb: Verb): Promise<string | undefined> {
  return new Promise((done) => {
    let text = '';
    const socket = createConnection(path, () => socket.write(`${verb}\n`));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    socket.on('error', () => done(undefined));
    socket.on('close', () => done(text === '' ? undefined : text.trim()));
  });
}
