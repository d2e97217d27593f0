import { describe, expect, it, vi } from 'vitest';
import { ConsoleBuffer, type ConsoleConnection } from '../../runtime/console-connection.ts';
import { ConsoleHub } from './console-hub.ts';

function connection() {
  const buffer = new ConsoleBuffer();
  const written: string[] = [];
  const made: ConsoleConnection = {
    onOutput: (listener) => buffer.onOutput(listener),
    onClose: (listener) => buffer.onClose(listener),
    write: (chunk) => Promise.resolve(void written.push(chunk.toString())),
    end: () => written.push('END'),
    pause: () => written.push('PAUSE'),
    resume: () => written.push('RESUME'),
    close: () => buffer.close(),
  };
  return { made, buffer, written };
}
const client = () => {
  const seen: string[] = [];
  return {
    seen,
    onOutput: (stream: 1 | 2, chunk: Buffer) => {
      seen.push(`${stream}:${chunk.toString()}`);
      return undefined;
    },
    onEnd: () => seen.push('END'),
  };
};

describe('ConsoleHub', () => {
  it('hands output to all, also what came before it listened, and tells the end once', async () => {
    const hub = new ConsoleHub();
    const [one, two] = [client(), client()];
    hub.join(one, false);
    hub.join(two, false);
    const { made, buffer } = connection();
    buffer.output(1, Buffer.from('first'));
    await hub.connect(() => Promise.resolve(made));
    buffer.output(2, Buffer.from('second'));
    buffer.close();
    hub.end();
    for (const { seen } of [one, two]) expect(seen).toEqual(['1:first', '2:second', 'END']);
  });

  it('keeps input from before the start, in order, with its end', async () => {
    const hub = new ConsoleHub();
    hub.join(client(), true);
    const taken = Promise.all([hub.write(Buffer.from('a')), hub.write(Buffer.from('b'))]);
    hub.endInput();
    const { made, written } = connection();
    await hub.connect(() => Promise.resolve(made));
    await taken;
    await new Promise((done) => setImmediate(done));
    expect(written).toEqual(['a', 'b', 'END']);
  });

  it('does not keep those waiting whose input nothing will take', async () => {
    const hub = new ConsoleHub();
    hub.join(client(), true);
    const taken = hub.write(Buffer.from('a'));
    hub.end();
    await expect(taken).resolves.toBeUndefined();
  });

  describe('with a client that is full', () => {
    async function full(alive = true) {
      const state = { alive };
      const hub = new ConsoleHub(() => state.alive);
      const { made, buffer, written } = connection();
      let room: () => void = () => undefined;
      const other = client();
      hub.join(other, false);
      const leave = hub.join({ onOutput: () => new Promise((done) => (room = done)), onEnd: () => undefined }, false);
      await hub.connect(() => Promise.resolve(made));
      buffer.output(1, Buffer.from('x'));
      return { hub, state, buffer, written, other, leave, room: () => room() };
    }

    it('holds the process back until it has room', async () => {
      const { written, room, other } = await full();
      expect(written).toEqual(['PAUSE']);
      expect(other.seen).toEqual(['1:x']);
      room();
      await new Promise((done) => setImmediate(done));
      expect(written).toEqual(['PAUSE', 'RESUME']);
    });

    it('goes on when it leaves', async () => {
      const { written, leave } = await full();
      leave();
      expect(written).toEqual(['PAUSE', 'RESUME']);
    });

    it('goes on when the process ends, which cannot be told of before', async () => {
      const { written, state, buffer, other } = await full();
      state.alive = false;
      await vi.waitFor(() => expect(written).toEqual(['PAUSE', 'RESUME']));
      buffer.output(1, Buffer.from('y'));
      expect(written).toEqual(['PAUSE', 'RESUME']);
      expect(other.seen).toEqual(['1:x', '1:y']);
    });

    it('hands over the last output before the end', async () => {
      const { hub, written, buffer, other } = await full();
      const drained = hub.drained();
      expect(written).toEqual(['PAUSE', 'RESUME']);
      buffer.output(1, Buffer.from('last'));
      buffer.close();
      await drained;
      hub.end();
      expect(other.seen).toEqual(['1:x', '1:last', 'END']);
    });
  });

  it('lets the connection go with its last client, unless that would end the input', async () => {
    for (const keep of [false, true]) {
      const hub = new ConsoleHub();
      const leave = hub.join(client(), keep);
      await hub.connect(() => Promise.resolve(connection().made));
      leave();
      expect(hub.connected).toBe(keep);
    }
  });
});
