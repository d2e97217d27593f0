import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { formatEndpoint, parseEndpoint } from './endpoint.ts';
import { registryOf, splitReference } from './reference.ts';
import { Demultiplexer, jsonLines } from './streams.ts';

describe('addresses', () => {
  it.each([
    ['/run/x.sock', 'unix:///run/x.sock'],
    ['unix:///run/x.sock', 'unix:///run/x.sock'],
    ['npipe:////./pipe/docker_engine', 'npipe:////./pipe/docker_engine'],
    ['ssh://me@there', 'ssh://me@there'],
    ['ssh://there', 'ssh://there'],
    ['ssh://me@there:2222/run/berth/engine.sock', 'ssh://me@there:2222/run/berth/engine.sock'],
    ['ssh://me@[::1]:22', 'ssh://me@[::1]:22'],
  ])('%s', (text, shown) => expect(formatEndpoint(parseEndpoint(text))).toBe(shown));
  it('a pipe of Windows is opened by its own name', () =>
    expect(parseEndpoint('npipe:////./pipe/x')).toEqual({ kind: 'unix', path: '\\\\.\\pipe\\x' }));
  it.each(['tcp://x', 'unix://x', 'x', 'ssh://', 'ssh://me:pw@there'])('refuses %s', (text) =>
    expect(() => parseEndpoint(text)).toThrow(/address/),
  );
});

describe('image references', () => {
  it.each([
    ['alpine', 'alpine', '', 'docker.io'],
    ['alpine:3', 'alpine', '3', 'docker.io'],
    ['127.0.0.1:5000/a', '127.0.0.1:5000/a', '', '127.0.0.1:5000'],
    ['127.0.0.1:5000/a:1', '127.0.0.1:5000/a', '1', '127.0.0.1:5000'],
    ['r.example/a/b:1@sha256:ff', 'r.example/a/b', 'sha256:ff', 'r.example'],
    ['localhost/a', 'localhost/a', '', 'localhost'],
    ['user/a', 'user/a', '', 'docker.io'],
  ])('%s', (text, name, tag, registry) => {
    expect(splitReference(text)).toEqual({ name, tag });
    expect(registryOf(text)).toBe(registry);
  });
});

describe('streams', () => {
  const frame = (stream: number, text: string) => {
    const data = Buffer.from(text);
    const head = Buffer.alloc(8);
    head[0] = stream;
    head.writeUInt32BE(data.length, 4);
    return Buffer.concat([head, data]);
  };

  it('takes frames apart wherever the chunks are cut', () => {
    const bytes = Buffer.concat([frame(1, 'out'), frame(2, ''), frame(2, 'err ž'), frame(1, 'x'.repeat(300))]);
    for (let size = 1; size <= bytes.length; size++) {
      const demultiplexer = new Demultiplexer();
      const frames = [];
      for (let at = 0; at < bytes.length; at += size)
        frames.push(
          ...demultiplexer
            .push(bytes.subarray(at, at + size))
            .map(({ stream, data }) => `${stream}:${data.toString()}`),
        );
      expect(frames).toEqual(['stdout:out', 'stderr:', 'stderr:err ž', `stdout:${'x'.repeat(300)}`]);
    }
  });

  it('reads JSON values cut anywhere, also in the middle of a character', async () => {
    const bytes = Buffer.from('{"a":"ž"}\r\n\n{"a":"2"}\n{"a":"last"}');
    for (let size = 1; size <= bytes.length; size++) {
      const stream = new PassThrough();
      for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
      stream.end();
      const values = [];
      for await (const value of jsonLines<{ a: string }>(stream)) values.push(value.a);
      expect(values).toEqual(['ž', '2', 'last']);
    }
  });

  it('ends, and ends its source, when it is told to', async () => {
    const stream = new PassThrough();
    const stop = new AbortController();
    stream.write('{"a":1}\n');
    const seen = [];
    for await (const value of jsonLines(stream, stop.signal)) {
      seen.push(value);
      stop.abort();
    }
    expect(seen).toHaveLength(1);
    expect(stream.destroyed).toBe(true);
  });
});
