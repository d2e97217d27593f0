import { connectSsh, type ConnectOptions } from './ssh-connect.ts';
import type { SshAddress } from './ssh-config.ts';
import { RemoteSocket } from './ssh-socket.ts';
import type { Transport } from './transport.ts';

export interface SshTarget extends SshAddress {
  /** the engine's socket on the far side; looked for where it is not named */
  path?: string | undefined;
  /** the address, for people */
  address: string;
}

/** An engine on another machine: one ssh connection, and in it a stream to the socket for each connection of the client. */
export function sshTransport(target: SshTarget, options: ConnectOptions = {}): Transport {
  let current: Promise<RemoteSocket> | undefined;
  let end = () => undefined as void;
  let closed = false;
  const connection = (): Promise<RemoteSocket> => {
    if (current) return current;
    const forget = () => {
      if (current === mine) current = undefined;
    };
    const mine = connectSsh(target, options).then((client) => {
      client.on('error', () => undefined); // 'close' follows
      client.once('close', forget);
      end = () => void client.end();
      if (closed) client.end();
      return new RemoteSocket(client, target.host, target.path);
    });
    mine.catch(forget);
    return (current = mine);
  };
  return {
    address: target.address,
    connect: async () => {
      if (closed) throw new Error('the connection is closed');
      return (await connection()).open();
    },
    close: () => {
      closed = true;
      end();
    },
  };
}
