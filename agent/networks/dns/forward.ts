import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { randomInt } from 'node:crypto';
import { RCODE, rcodeOf, type Question } from './message.ts';

/** As Docker: of more servers than these, the first are asked; each has this long (milliseconds). */
const SERVERS = 3;
const PATIENCE = 4000;

/** Asks name servers one after another. Undefined when none gave an answer of use. */
export async function forward(
  query: Buffer,
  question: Question,
  servers: readonly string[],
  overTcp: boolean,
): Promise<Buffer | undefined> {
  for (const server of servers.slice(0, SERVERS)) {
    // An id and a source port of its own: who does not see the question cannot answer it.
    const sent = Buffer.from(query);
    sent.writeUInt16BE(randomInt(65_536), 0);
    const reply = await (overTcp ? askTcp : askUdp)(sent, question, server);
    if (!reply || rcodeOf(reply) === RCODE.failure || rcodeOf(reply) === RCODE.refused) continue;
    reply.writeUInt16BE(question.id, 0);
    return reply;
  }
  return undefined;
}

function isReply(message: Buffer, sent: Buffer, question: Question): boolean {
  const end = 12 + question.raw.length;
  return (
    message.length >= 12 &&
    message.readUInt16BE(0) === sent.readUInt16BE(0) &&
    (message.readUInt16BE(2) & 0x8000) !== 0 &&
    (message.readUInt16BE(4) === 0 || message.subarray(12, end).equals(question.raw))
  );
}

function askUdp(sent: Buffer, question: Question, server: string): Promise<Buffer | undefined> {
  return new Promise((done) => {
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
    const end = (reply?: Buffer) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.close();
      done(reply);
    };
    const timer = setTimeout(end, PATIENCE);
    socket.on('message', (message) => isReply(message, sent, question) && end(message));
    socket.on('error', () => end());
    // Connected: the kernel takes answers from this server alone, and tells when nobody listens there.
    // Without a way there it is called too, with the error.
    socket.connect(53, server, (error?: Error) => (error ? end() : socket.send(sent)));
  });
}

function askTcp(sent: Buffer, question: Question, server: string): Promise<Buffer | undefined> {
  return new Promise((done) => {
    let received: Buffer = Buffer.alloc(0);
    const socket = connect({ host: server, port: 53 });
    const end = (reply?: Buffer) => {
      socket.destroy();
      done(reply);
    };
    socket.setTimeout(PATIENCE, () => end());
    socket.on('error', () => end());
    socket.on('close', () => done(undefined));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const message = Buffer.from(received.subarray(2, 2 + received.readUInt16BE(0)));
      end(isReply(message, sent, question) ? message : undefined);
    });
    socket.write(framed(sent));
  });
}

/** Over TCP a message has its length before it. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
