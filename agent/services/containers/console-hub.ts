import type { ConsoleConnection } from '../../runtime/console-connection.ts';
import { HoldBack } from './hold-back.ts';

/** One client of a container's streams. */
export interface ConsoleClient {
  /** A client that can take no more gives a promise, which resolves when it can: until then the process is held back. */
  onOutput(stream: 1 | 2, chunk: Buffer): Promise<void> | undefined;
  /** the process has ended, or never began */
  onEnd(): void;
}

/** How long the last output may take after the end, in milliseconds. */
const LAST_OUTPUT = 2000;

/**
 * All clients of a container share one connection to conmon. So an end of one client is not an end of input for the container, and
 * clients may be here before the container is made: then they get its first byte.
 */
export class ConsoleHub {
  readonly #clients = new Set<ConsoleClient>();
  readonly #alive: () => boolean;
  #connection: ConsoleConnection | undefined;
  #connecting: Promise<void> | undefined;
  #back: HoldBack | undefined;
  #early: { chunk: Buffer; taken: () => void }[] = [];
  #earlyEnd = false;

  /** `alive` tells whether the process is there (or about to be): only then may it be held back. */
  constructor(alive: () => boolean = () => true) {
    this.#alive = alive;
  }

  get wanted(): boolean {
    return this.#clients.size > 0;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  /** Joins; gives the way to leave. `keep` holds the connection when the last has left: closing it would close the process's stdin. */
  join(client: ConsoleClient, keep: boolean): () => void {
    this.#clients.add(client);
    return () => {
      if (!this.#clients.delete(client)) return;
      this.#back?.letGo(client);
      if (this.#clients.size > 0 || keep) return;
      this.#close();
    };
  }

  /** Connects if that has not been done. */
  connect(open: () => Promise<ConsoleConnection>): Promise<void> {
    if (this.#connection) return Promise.resolve();
    this.#connecting ??= open()
      .then((connection) => this.#use(connection))
      .finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  #use(connection: ConsoleConnection): void {
    this.#connection = connection;
    const back = new HoldBack(connection, this.#alive);
    this.#back = back;
    connection.onOutput((stream, chunk) => {
      for (const client of this.#clients) {
        const room = client.onOutput(stream, chunk);
        if (room) back.hold(client, room);
      }
    });
    connection.onClose(() => {
      if (this.#connection === connection) this.end();
    });
    const early = this.#early.splice(0);
    void (async () => {
      for (const { chunk, taken } of early) {
        await connection.write(chunk);
        taken();
      }
      if (this.#earlyEnd) connection.end();
      this.#earlyEnd = false;
    })();
  }

  /** Input before the process is there waits for it. Resolves when the chunk was taken. */
  async write(chunk: Buffer): Promise<void> {
    if (this.#connection) await this.#connection.write(chunk);
    else await new Promise<void>((taken) => this.#early.push({ chunk, taken }));
  }

  endInput(): void {
    if (this.#connection) this.#connection.end();
    else this.#earlyEnd = true;
  }

  /** The process has ended: resolves when its last output was handed over, or does not come. */
  async drained(): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    this.#back?.end();
    let late: NodeJS.Timeout | undefined;
    await Promise.race([
      new Promise<void>((done) => connection.onClose(done)),
      new Promise<void>((done) => (late = setTimeout(done, LAST_OUTPUT))),
    ]);
    clearTimeout(late);
  }

  #close(): void {
    this.#back?.end();
    this.#back = undefined;
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** The process has ended: all clients are told, and the next start begins anew. */
  end(): void {
    this.#close();
    for (const { taken } of this.#early.splice(0)) taken();
    this.#earlyEnd = false;
    const clients = [...this.#clients];
    this.#clients.clear();
    for (const client of clients) client.onEnd();
  }
}
