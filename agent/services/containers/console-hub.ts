import type { ConsoleConnection } from '../../runtime/console-connection.ts';

/** One client of a container's streams. */
export interface ConsoleClient {
  onOutput(stream: 1 | 2, chunk: Buffer): void;
  /** the process has ended, or never began */
  onEnd(): void;
}

/**
 * All clients of a container share one connection to conmon. So an end of one client is not an end of input for the container, and
 * clients may be here before the container is made: then they get its first byte.
 */
export class ConsoleHub {
  readonly #clients = new Set<ConsoleClient>();
  #connection: ConsoleConnection | undefined;
  #connecting: Promise<void> | undefined;
  #early: Buffer[] = [];
  #earlyEnd = false;

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
      if (!this.#clients.delete(client) || this.#clients.size > 0 || keep) return;
      this.#connection?.close();
      this.#connection = undefined;
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
    connection.onOutput((stream, chunk) => {
      for (const client of this.#clients) client.onOutput(stream, chunk);
    });
    connection.onClose(() => {
      if (this.#connection === connection) this.end();
    });
    const early = this.#early.splice(0);
    void (async () => {
      for (const chunk of early) await connection.write(chunk);
      if (this.#earlyEnd) connection.end();
      this.#earlyEnd = false;
    })();
  }

  /** Input before the process is there is kept for it. */
  async write(chunk: Buffer): Promise<void> {
    if (this.#connection) await this.#connection.write(chunk);
    else this.#early.push(chunk);
  }

  endInput(): void {
    if (this.#connection) this.#connection.end();
    else this.#earlyEnd = true;
  }

  /** The process has ended: all clients are told, and the next start begins anew. */
  end(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#early = [];
    this.#earlyEnd = false;
    const clients = [...this.#clients];
    this.#clients.clear();
    for (const client of clients) client.onEnd();
  }
}
