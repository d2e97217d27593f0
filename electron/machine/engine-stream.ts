import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStreamLocal } from '../engine/ssh-stream.ts';
import type { Transport } from '../engine/transport.ts';
import type { SshConnection } from './connection.ts';

export const ENGINE_SOCKET = '/run/berth/engine.sock';

/** Milliseconds that an engine which ended has to be started again by the guest's init, before who asks is told. */
const PATIENCE = 20_000;

/**
 * A stream to the engine's socket in the guest. Waits while the connection is made again, and while the engine is: nothing was sent
 * yet, so that trying again is safe.
 */
export async function engineStream(ssh: SshConnection, patience = PATIENCE): Promise<Duplex> {
  const until = performance.now() + patience;
  for (;;) {
    const client = await ssh.client();
    try {
      return await openStreamLocal(client, ENGINE_SOCKET);
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(100);
    }
  }
}

/** For this process's own requests: no socket of this host in between. */
export const engineTransport = (address: string, open: () => Promise<Duplex>): Transport => ({
  address,
  connect: open,
  close: () => undefined,
});
