import { EventEmitter } from 'node:events';
import type { Client } from 'ssh2';
import { expect, it } from 'vitest';
import type { SshError } from './ssh-error.ts';
import { RemoteSocket } from './ssh-socket.ts';

/** A far side that forwards to no socket, and whose shell says this. */
function farSide(said: string): { client: Client; ran: string[] } {
  const ran: string[] = [];
  const client = {
    openssh_forwardOutStreamLocal: (_path: string, done: (error: Error) => void) =>
      done(new Error('(SSH) Channel open failure: open failed')),
    exec: (command: string, done: (error: undefined, channel: EventEmitter) => void) => {
      ran.push(command);
      const channel = Object.assign(new EventEmitter(), { stderr: new EventEmitter(), end: () => undefined });
      done(undefined, channel);
      setImmediate(() => {
        channel.emit('data', Buffer.from(said));
        channel.emit('exit', 0);
        channel.emit('close');
      });
    },
  };
  return { client: client as unknown as Client, ran };
}
const refusal = (said: string, path?: string) =>
  new RemoteSocket(farSide(said).client, 'there', path).open().then(
    () => undefined,
    (error: unknown) => error as SshError,
  );

it('a socket that the user may not use is said, with the group to join', async () => {
  const error = await refusal('user me\ndenied /var/run/docker.sock\nprogram docker\n');
  expect(error?.message).toBe('me may not use /var/run/docker.sock on there');
  expect(error?.hint).toContain('usermod -aG docker me');
});

it('of a far side without a shell, its own words are all there is', async () => {
  const error = await refusal("'sh' is not recognized as an internal or external command", '/x.sock');
  expect(error?.message).toBe('/x.sock on there: (SSH) Channel open failure: open failed');
});

it('a path is no words for the shell there', async () => {
  const { client, ran } = farSide('user me\n');
  await new RemoteSocket(client, 'there', "/a'; touch b; '").open().catch(() => undefined);
  expect(ran).toHaveLength(1);
  // twice quoted: for the login shell, and for the one that runs the script
  expect(ran[0]).toContain(String.raw`'\''/a'\''\'\'''\''; touch b; '\''\'\'''\'''\''`);
});
