import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStreamLocal } from '../engine/ssh-stream.ts';
import type { Transport } from '../engine/transport.ts';
import type { SshConnection } from './connection.ts';
import { KEEPALIVE } from './ssh.ts';
import { MachineError } from './types.ts';

export const ENGINE_SOCKET = '/run/berth/engine.sock';

/**
 * Milliseconds that who asks for the engine waits: for an engine that ended and is started again by the guest's init, and for a
 * connection that is made again. Then he is told.
 */
const PATIENCE = Math.max(8_000, 2 * KEEPALIVE);
/** The same where the connection has been lost for long already: nobody is kept waiting again. */
const LITTLE = 2_000;

const silent = () =>
  new MachineError(
    'the machine does not answer: it is stopped, or this computer is too busy to run it',
    'see its console (berth machine status names it); when it stays so: berth machine kill, then berth machine start',
  );
const noEngine = (why: unknown) =>
  new MachineError(
    `the engine in the machine does not run (${why instanceof Error ? why.message : String(why)})`,
    'start the machine again: berth machine restart; when it stays so, see its console, which berth machine status names',
  );

/**
 * A stream to the engine's socket in the guest. Waits while the connection is made again, and while the engine is: nothing was sent
 * yet, so that trying again is safe.
 */
export async function engineStream(ssh: SshConnection, patience = PATIENCE): Promise<Duplex> {
  const lost = ssh.lostFor();
  const until = performance.now() + (lost > 0 ? Math.max(LITTLE, patience - lost) : patience);
  const left = () => until - performance.now();
  for (;;) {
    const client = await within(ssh.client(), left());
    try {
      return await within(openStreamLocal(client, ENGINE_SOCKET), left(), (late) => late.destroy());
    } catch (error) {
      if (error instanceof MachineError) throw error;
      if (left() <= 0) throw noEngine(error);
      await sleep(100);
    }
  }
}

/** What the work gives, or the failure that the machine does not answer; what comes too late goes to `drop`. */
async function within<T>(work: Promise<T>, patience: number, drop?: (late: T) => void): Promise<T> {
  if (patience === Number.POSITIVE_INFINITY) return work;
  const over = new AbortController();
  let given = false;
  const late = sleep(Math.max(patience, 0), undefined, { signal: over.signal }).then(() => {
    given = true;
    throw silent();
  });
  work.then(
    (value) => (given ? drop?.(value) : undefined),
    () => undefined,
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    over.abort();
  }
}

/** For this process's own requests: no socket of this host in between. */
export const engineTransport = (address: string, open: () => Promise<Duplex>): Transport => ({
  address,
  connect: open,
  close: () => undefined,
});
