import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'ssh2';
import { connect, type SshTarget } from './ssh.ts';
import { MachineError } from './types.ts';

const FIRST_WAIT = 100;
const LONGEST_WAIT = 2_000;

/** `refused`: it is not tried again, since that would not help; the reason comes with it. */
export type LinkState = 'connected' | 'reconnecting' | 'refused';

/**
 * One SSH connection that comes back by itself: when it ends (sleep, a changed network, a stalled connection found by keep-alive), it is
 * made again with growing pauses until `close`. Who asks for the client meanwhile waits.
 */
export class SshConnection {
  /** hears of each change; set by who wants to know */
  onChange: (state: LinkState, refusal?: MachineError) => void = () => undefined;
  readonly #target: SshTarget;
  readonly #connect: (target: SshTarget) => Promise<Client>;
  #client: Promise<Client>;
  #lostAt: number | undefined;
  #closed = false;
  #wake = new AbortController();

  constructor(target: SshTarget, connecting = connect) {
    this.#target = target;
    this.#connect = connecting;
    this.#client = this.#keepTrying();
  }

  /** The living connection; waits while there is none. Rejects after `close`, and when trying again does not help. */
  client(): Promise<Client> {
    return this.#client;
  }

  /** Milliseconds since the connection was lost; 0 while there is one, and before there was any. */
  lostFor(): number {
    return this.#lostAt === undefined ? 0 : performance.now() - this.#lostAt;
  }

  /** Forget this connection now: who asks from then on gets the next one, which is made at once. */
  async renew(): Promise<void> {
    const client = await this.#client;
    const closed = new Promise<void>((done) => client.once('close', () => done()));
    client.destroy();
    await closed;
  }

  close(): void {
    this.#closed = true;
    this.#wake.abort();
    this.#client.then((client) => client.end()).catch(() => undefined);
  }

  #keepTrying(): Promise<Client> {
    const promise = this.#attempts();
    promise.catch((error: unknown) => {
      // told to who asks, and to who shows the state
      if (error instanceof MachineError) this.onChange('refused', error);
    });
    return promise;
  }

  async #attempts(): Promise<Client> {
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      if (this.#closed) throw new Error('the connection to the machine is closed');
      try {
        const client = await this.#connect(this.#target);
        client.on('error', () => undefined); // 'close' follows
        client.once('close', () => this.#lost());
        if (this.#closed) client.end();
        this.#lostAt = undefined;
        this.onChange('connected');
        return client;
      } catch (error) {
        if (error instanceof MachineError) throw error;
        await sleep(wait, undefined, { signal: this.#wake.signal }).catch(() => undefined);
      }
    }
  }

  #lost(): void {
    if (this.#closed) return;
    this.#lostAt = performance.now();
    this.#client = this.#keepTrying();
    this.onChange('reconnecting');
  }
}
