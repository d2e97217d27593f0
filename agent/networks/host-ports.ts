import type { HostPortMessage } from '../api/berth.ts';
import type { Holder } from './forward-tcp.ts';
import type { PublishedPort } from './ports.ts';

/** The user's machine, where this engine runs in a guest of it: published ports are to be open there, too. */
export interface HostPorts {
  /** Rejects with HostRefusal. Undefined where nobody who could open it is there. */
  hold(container: { id: string; name: string }, port: PublishedPort): Promise<Holder | undefined>;
}

/** Nobody opens anything there. */
export const NO_HOST: HostPorts = { hold: () => Promise.resolve(undefined) };

/** Why a port cannot be had on the user's machine, in words that follow a colon. */
export class HostRefusal extends Error {}

/** Milliseconds for an answer; without one the container starts, as it would if nobody had been asked. */
const PATIENCE = 5_000;

/** Passes on what is asked of the user's machine to who holds the guest, the last who came, and takes the answers. */
export class HostPortDesk implements HostPorts {
  #tell: ((message: HostPortMessage) => void) | undefined;
  readonly #asked = new Map<number, (refused?: string) => void>();
  #last = 0;

  async hold(
    container: { id: string; name: string },
    { protocol, hostIp, hostPort }: PublishedPort,
  ): Promise<Holder | undefined> {
    if (!this.#tell || protocol === 'sctp') return undefined;
    const ask = ++this.#last;
    const refused = await new Promise<string | undefined>((done) => {
      const late = setTimeout(() => done(undefined), PATIENCE);
      this.#asked.set(ask, (why) => {
        clearTimeout(late);
        done(why);
      });
      this.#tell?.({ ask, container: container.id, name: container.name, protocol, hostIp, hostPort });
    });
    this.#asked.delete(ask);
    if (refused !== undefined) throw new HostRefusal(refused);
    return { close: () => this.#tell?.({ release: ask }) };
  }

  /** Call the result when the listener has gone: who waits for its answer waits no longer. */
  listen(tell: (message: HostPortMessage) => void): () => void {
    this.#tell = tell;
    return () => {
      if (this.#tell !== tell) return;
      this.#tell = undefined;
      for (const done of this.#asked.values()) done();
    };
  }

  /** `refused`: why not. An answer that nobody waits for is nothing. */
  answer(ask: number, refused?: string): void {
    this.#asked.get(ask)?.(refused);
  }
}
