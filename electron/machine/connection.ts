import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'ssh2';
import { connect, type SshTarget } from './ssh.ts';
import { MachineError } from './types.ts';

const FIRST_WAIT = 100;
const LONGEST_WAIT = 2_000;

/**
 * One SSH connection that comes back by itself: when it ends (sleep, a changed network, a stalled connection found by keep-alive), it is
 * made again with growing pauses until `close`. Who asks for the client meanwhile waits.
 */
export class SshConnection {
  /** hears that there is a connection, or none; set by who wants to know */
  onChange: (connected: boolean) => void = () => undefined;
  readonly #target: SshTarget;
  readonly #connect: (target: SshTarget) => Promise<Client>;
  #client: Promise<Client>;
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

  /** Forget this connection now, e.g. after the host woke up: who asks from then on gets the next one, which is made at once. */
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
    promise.catch(() => undefined); // told to who asks
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
        this.onChange(true);
        return client;
      } catch (error) {
        if (error instanceof MachineError) throw error;
        await sleep(wait, undefined, { signal: this.#wake.signal }).catch(() => undefined);
      }
    }
  }

  #lost(): void {
    if (this.#closed) return;
    this.#client = this.#keepTrying();
    this.onChange(false);
  }
}
