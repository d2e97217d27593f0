import { describe, expect, it } from 'vitest';
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
    close: () => buffer.close(),
  };
  return { made, buffer, written };
}
const client = () => {
  const seen: string[] = [];
  return {
    seen,
    onOutput: (stream: 1 | 2, chunk: Buffer) => seen.push(`${stream}:${chunk.toString()}`),
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
    await hub.write(Buffer.from('a'));
    await hub.write(Buffer.from('b'));
    hub.endInput();
    const { made, written } = connection();
    await hub.connect(() => Promise.resolve(made));
    await new Promise((done) => setImmediate(done));
    expect(written).toEqual(['a', 'b', 'END']);
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
