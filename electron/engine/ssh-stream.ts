import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';

/** By connection: the streams in it that have not been closed. */
const open = new WeakMap<Client, Set<Duplex>>();

/** A stream to a unix socket on the far side of an ssh connection (`direct-streamlocal@openssh.com`). */
export function openStreamLocal(client: Client, path: string): Promise<Duplex> {
  return new Promise((done, fail) => {
    client.openssh_forwardOutStreamLocal(path, (error, stream) =>
      error ? fail(error) : done(asSocket(client, stream)),
    );
  });
}

/**
 * A stream of an ssh connection with what Node's HTTP client asks of a socket. It is closed when the connection is, which ssh2 tells only
 * those that read at that moment.
 */
export function asSocket(client: Client, stream: Duplex): Duplex {
  streamsOf(client).add(stream);
  stream.once('close', () => open.get(client)?.delete(stream));
  return withSocketMethods(stream);
}

function streamsOf(client: Client): Set<Duplex> {
  const known = open.get(client);
  if (known) return known;
  const streams = new Set<Duplex>();
  open.set(client, streams);
  client.once('close', () => {
    // Node's HTTP agent keeps a stream that looks writable for the next request
    for (const stream of streams) Object.assign(stream, { writable: false, destroyed: true }).emit('close');
  });
  return streams;
}

/** An ssh channel has no such settings. */
function withSocketMethods(stream: Duplex): Duplex {
  const nothing = () => stream;
  return Object.assign(stream, {
    setTimeout: nothing,
    setNoDelay: nothing,
    setKeepAlive: nothing,
    ref: nothing,
    unref: nothing,
  });
}
