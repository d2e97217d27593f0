import type { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { quoted } from '../contract/shell-words.ts';
import { SshError } from './ssh-error.ts';
import { runOver as run } from './ssh-exec.ts';
import { asSocket, openStreamLocal } from './ssh-stream.ts';

/** Where the address names no socket: docker's, else Berth's own; the system's, else the user's. */
const SYSTEM_SOCKET = '/var/run/docker.sock';
const RUN = '${XDG_RUNTIME_DIR:-/run/user/$(id -u)}';
const SOCKETS = [SYSTEM_SOCKET, '/run/berth/engine.sock', `${RUN}/docker.sock`, `${RUN}/berth/engine.sock`];

/** Programs that carry a connection to a socket over their own input and output, best first. */
const CARRIERS: Record<string, (socket: string) => string> = {
  docker: (socket) => `docker --host ${quoted(`unix://${socket}`)} system dial-stdio`,
  socat: (socket) => `socat -t 86400 - ${quoted(`UNIX-CONNECT:${socket}`)}`,
};

type Open = (client: Client) => Promise<Duplex>;

/**
 * The engine's socket on the far side of a connection: how it is reached is found out once. A stream that the ssh server forwards is the
 * first choice; a server that forwards none runs `docker system dial-stdio`, as docker's own client has it do.
 */
export class RemoteSocket {
  readonly #client: Client;
  readonly #host: string;
  readonly #path: string | undefined;
  #way: Promise<Open> | undefined;

  constructor(client: Client, host: string, path: string | undefined) {
    this.#client = client;
    this.#host = host;
    this.#path = path;
  }

  async open(): Promise<Duplex> {
    const way = (this.#way ??= this.#find());
    const open = await way;
    return open(this.#client).catch(async () => {
      // it was there: the engine ended, or its socket is another by now
      if (this.#way === way) this.#way = undefined;
      const next = await (this.#way ??= this.#find());
      return next(this.#client);
    });
  }

  async #find(): Promise<Open> {
    try {
      return await this.#search();
    } catch (error) {
      this.#way = undefined;
      throw error;
    }
  }

  async #search(): Promise<Open> {
    const first = forwarded(this.#path ?? SYSTEM_SOCKET);
    const refusal = await works(first, this.#client);
    if (refusal === undefined) return first;
    const found = await look(this.#client, this.#path === undefined ? SOCKETS : [quoted(this.#path)]);
    if (!found) throw new SshError(`${this.#path ?? SYSTEM_SOCKET} on ${this.#host}: ${refusal.message}`, '');
    for (const socket of found.usable.filter((each) => each !== SYSTEM_SOCKET && each !== this.#path)) {
      const way = forwarded(socket);
      if ((await works(way, this.#client)) === undefined) return way;
    }
    const [socket] = found.usable;
    if (socket === undefined) throw this.#noSocket(found);
    const carrier = Object.keys(CARRIERS).find((program) => found.programs.has(program));
    if (carrier === undefined)
      throw new SshError(
        `${socket} on ${this.#host} cannot be reached: nobody listens there, or the ssh server forwards no sockets`,
        'start the engine there; or set AllowStreamLocalForwarding yes in its sshd_config; or install docker’s client or socat there',
      );
    const command = (CARRIERS[carrier] as (socket: string) => string)(socket);
    const { stdout, stderr } = await run(this.#client, command, 'GET /_ping HTTP/1.0\r\n\r\n');
    if (!stdout.startsWith('HTTP/'))
      throw new SshError(
        `${socket} on ${this.#host} does not answer: ${stderr.trim().split('\n')[0] || `${carrier} ended`}`,
        'start the engine there',
      );
    return (client) => carried(client, command);
  }

  #noSocket({ denied, user }: Found): SshError {
    const [socket] = denied;
    if (socket !== undefined)
      return new SshError(
        `${user} may not use ${socket} on ${this.#host}`,
        `add ${user} to the socket's group there (see ls -l ${socket}), e.g. usermod -aG docker ${user}; then connect anew`,
      );
    return new SshError(
      `there is no engine's socket on ${this.#host}: ${this.#path ?? SOCKETS.slice(0, 2).join(', ')}`,
      'start the engine there, or name its socket: ssh://USER@HOST/PATH',
    );
  }
}

const forwarded =
  (path: string): Open =>
  (client) =>
    openStreamLocal(client, path);

/** Why it does not; undefined when it does. */
async function works(way: Open, client: Client): Promise<Error | undefined> {
  try {
    (await way(client)).destroy();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

interface Found {
  user: string;
  usable: string[];
  denied: string[];
  programs: Set<string>;
}

/** `sockets` are words of a shell. Undefined where there is no such shell. */
async function look(client: Client, sockets: readonly string[]): Promise<Found | undefined> {
  const words = sockets.map((socket) => (socket.startsWith("'") ? socket : `"${socket}"`)).join(' ');
  const script = [
    'echo "user $(id -un)"',
    `for s in ${words}; do [ -S "$s" ] || continue; if [ -w "$s" ]; then echo "usable $s"; else echo "denied $s"; fi; done`,
    `for p in ${Object.keys(CARRIERS).join(' ')}; do command -v "$p" >/dev/null 2>&1 && echo "program $p"; done`,
  ].join('; ');
  const text = await run(client, `sh -c ${quoted(script)}`).then(
    ({ stdout }) => stdout,
    () => '',
  );
  const all = (kind: string) =>
    text.split('\n').flatMap((line) => (line.startsWith(`${kind} `) ? [line.slice(kind.length + 1)] : []));
  const [user] = all('user');
  if (user === undefined) return undefined;
  return { user, usable: all('usable'), denied: all('denied'), programs: new Set(all('program')) };
}

/** The connection as the input and output of a program. */
function carried(client: Client, command: string): Promise<Duplex> {
  return new Promise((done, fail) => {
    client.exec(command, (error: Error | undefined, channel: ClientChannel) => {
      if (error) return fail(error);
      channel.stderr.resume();
      done(asSocket(client, channel));
    });
  });
}
