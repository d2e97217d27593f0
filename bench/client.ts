import { request } from 'node:http';
import { exec } from '../agent/system/exec.ts';

/** One engine's API, by the docker command and directly. */
export class Client {
  readonly socket: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(socket: string, directory: string) {
    this.socket = socket;
    this.#environment = {
      PATH: process.env['PATH'],
      HOME: directory,
      DOCKER_HOST: `unix://${socket}`,
      DOCKER_CONFIG: directory,
    };
  }

  /** Runs the docker command; gives what it printed. */
  async docker(...args: string[]): Promise<string> {
    const { stdout } = await exec(['docker', ...args], { env: this.#environment, timeout: 300_000 });
    return stdout.trim();
  }

  /** Milliseconds the docker command took. */
  async timed(...args: string[]): Promise<number> {
    const start = performance.now();
    await this.docker(...args);
    return performance.now() - start;
  }

  /** Status and JSON of one request; throws for a status of 400 and more. */
  async call<T>(method: string, path: string, body?: object): Promise<T> {
    const { text } = await this.#send(method, path, body, (chunk, all) => all.push(chunk));
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Reads an answer to its end and gives its size in bytes. */
  async readAll(path: string): Promise<number> {
    const { size } = await this.#send('GET', path, undefined, () => undefined);
    return size;
  }

  #send(
    method: string,
    path: string,
    body: object | undefined,
    keep: (chunk: Buffer, all: Buffer[]) => void,
  ): Promise<{ text: string; size: number }> {
    return new Promise((done, fail) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const headers =
        payload === undefined
          ? {}
          : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) };
      const sent = request({ socketPath: this.socket, method, path, headers }, (response) => {
        const failed = (response.statusCode ?? 500) >= 400;
        const kept: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (failed) kept.push(chunk);
          else keep(chunk, kept);
        });
        response.on('error', fail);
        response.on('end', () => {
          const text = Buffer.concat(kept).toString('utf8');
          if (failed) fail(new Error(`${method} ${path}: ${response.statusCode} ${text.trim()}`));
          else done({ text, size });
        });
      });
      sent.on('error', fail);
      sent.end(payload);
    });
  }
}
