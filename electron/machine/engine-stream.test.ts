import { PassThrough, type Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { describe, expect, it } from 'vitest';
import type { SshConnection } from './connection.ts';
import { engineStream } from './engine-stream.ts';

type Forward = (path: string, done: (error: Error | undefined, stream?: Duplex) => void) => void;
const connectionOf = (client: Promise<Client>, lost = 0) =>
  ({ client: () => client, lostFor: () => lost }) as unknown as SshConnection;
const clientWith = (openssh_forwardOutStreamLocal: Forward) =>
  Promise.resolve({ openssh_forwardOutStreamLocal, once: () => undefined } as unknown as Client);

describe('who asks for the engine', () => {
  it('is told in time that the machine does not answer, when there is no connection', async () => {
    const asked = engineStream(connectionOf(new Promise(() => undefined)), 50);
    await expect(asked).rejects.toMatchObject({
      message: expect.stringContaining('does not answer'),
      hint: expect.stringContaining('kill'),
    });
  });

  it('is kept waiting less when the connection has been lost for long', async () => {
    const began = performance.now();
    const asked = engineStream(connectionOf(new Promise(() => undefined), 60_000), 30_000);
    await expect(asked).rejects.toThrow('does not answer');
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('and when the connection is silent; a stream that comes late is closed', async () => {
    let answer: (() => void) | undefined;
    const stream = new PassThrough();
    const client = clientWith((_path, done) => (answer = () => done(undefined, stream)));
    await expect(engineStream(connectionOf(client), 50)).rejects.toThrow('does not answer');
    answer?.();
    await expect.poll(() => stream.destroyed).toBe(true);
  });

  it('is told that the engine does not run, after it had its time to be started again', async () => {
    let tries = 0;
    const client = clientWith((_path, done) => {
      tries++;
      done(new Error('open failed'));
    });
    await expect(engineStream(connectionOf(client), 250)).rejects.toThrow('the engine in the machine does not run');
    expect(tries).toBeGreaterThan(1);
  });

  it('gets the stream of an engine that comes back', async () => {
    const stream = new PassThrough();
    let tries = 0;
    const client = clientWith((_path, done) =>
      ++tries < 3 ? done(new Error('open failed')) : done(undefined, stream),
    );
    expect(await engineStream(connectionOf(client), 10_000)).toBe(stream);
  });
});
