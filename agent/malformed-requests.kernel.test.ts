import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dockerFixture, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
  await fixture.ok('run', '-d', '-i', '--name', 'xx', fixture.image, 'cat');
});
afterAll(() => fixture?.close());

const QUIET = 1500;

/** Sends bytes as they are, closes the sending side, and gives all that comes back ('' when the engine only closed). */
function send(bytes: string | Buffer, { half = true, wait = QUIET } = {}): Promise<string> {
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    const socket = connect({ path: fixture.engine.socket, allowHalfOpen: true });
    const finish = () => {
      socket.destroy();
      done(Buffer.concat(chunks).toString('latin1'));
    };
    socket.setTimeout(wait, finish);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', finish);
    socket.on('error', finish);
    socket.on('close', finish);
    socket.write(bytes);
    if (half) socket.end();
  });
}

const statusOf = (answer: string): number | undefined =>
  answer === '' ? undefined : Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? NaN);
const post = (path: string, body: string | Buffer, head = `Content-Length: ${Buffer.byteLength(body)}`) =>
  Buffer.concat([
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nConnection: close\r\n${head}\r\n\r\n`,
    ),
    Buffer.from(body),
  ]);
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n`;

async function expectAlive(pid: number): Promise<void> {
  expect((await fixture.engine.request('GET', '/_ping')).status).toBe(200);
  expect(fixture.engine.pid).toBe(pid);
}

/** What may come back: a refusal, or nothing but the end of the connection. */
const refused = (answer: string) => {
  const status = statusOf(answer);
  return status === undefined || (status >= 400 && status < 500);
};

describe('malformed requests', () => {
  const nested = `${'{"Labels":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
  const cases: [string, string | Buffer][] = [
    ['garbage', Buffer.from(Array.from({ length: 4096 }, (_value, index) => (index * 131 + 7) % 256))],
    ['nothing', ''],
    ['half a request line', 'GET /cont'],
    ['half a head', 'GET /containers/json HTTP/1.1\r\nHost: d\r\n'],
    ['another protocol', 'GET / HTTP/9.9\r\n\r\n'],
    ['a TLS greeting', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])],
    ['a body cut short', post('/containers/create', '{"Image":', 'Content-Length: 400')],
    ['two lengths', post('/containers/create', '{}', 'Content-Length: 2\r\nContent-Length: 5')],
    ['a length and chunks', post('/containers/create', '0\r\n\r\n', 'Content-Length: 2\r\nTransfer-Encoding: chunked')],
    ['a negative length', post('/containers/create', '{}', 'Content-Length: -2')],
    ['a bad chunk size', post('/containers/create', 'zz\r\n{}\r\n0\r\n\r\n', 'Transfer-Encoding: chunked')],
    ['a chunk cut short', post('/containers/create', 'ff\r\n{}', 'Transfer-Encoding: chunked')],
    ['5 MiB of JSON', post('/containers/create', `{"Image":"${'a'.repeat(5 << 20)}"}`)],
    ['deep JSON', post('/containers/create', nested)],
    ['bad UTF-8', post('/containers/create', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]))],
    ['a path with %zz', get('/containers/%zz/json')],
    ['dots in a path', get('/containers/%2e%2e/json')],
    ['dots and slashes in a path', get('/containers/..%2f..%2f..%2fetc%2fpasswd/json')],
    ['dots in the name of a volume', get('/volumes/%2e%2e')],
    ['dots in the name of an image', get('/images/%2e%2e%2f%2e%2e%2fetc/json')],
    ['NUL in a path', get('/containers/a%00b/json')],
    ['a long URL', get(`/containers/json?filters=${'a'.repeat(100_000)}`)],
    [
      'an upgrade with a body cut short',
      post('/exec/nosuch/start', '{', 'Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 90'),
    ],
    [
      'an upgrade where none is',
      post('/containers/nosuch/start', '', 'Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0'),
    ],
  ];
  test.each(cases)('%s', async (_name, bytes) => {
    const { pid } = fixture.engine;
    const answer = await send(bytes);
    expect(refused(answer), answer.slice(0, 300)).toBe(true);
    await expectAlive(pid);
  });

  test('garbage to an attached container reaches it, and nothing else', async () => {
    const { pid } = fixture.engine;
    const garbage = Buffer.from(Array.from({ length: 1000 }, (_value, index) => (index * 37) % 256));
    const head =
      'POST /containers/xx/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
    const answer = await send(Buffer.concat([Buffer.from(head), garbage]), { half: false, wait: 1000 });
    expect(statusOf(answer)).toBe(101);
    await expectAlive(pid);
  });

  test('a thousand random mutations', { timeout: 60_000 }, async () => {
    const { pid } = fixture.engine;
    const random = seeded(20_251_123);
    const seeds = [
      get('/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%22%5D%7D'),
      get('/containers/nosuch/json'),
      get('/v1.41/images/json'),
      get('/containers/nosuch/archive?path=/etc'),
      post(
        '/containers/create?name=mutant',
        '{"Image":"nosuch","HostConfig":{"Memory":1,"Binds":["/a:/b"]}}',
      ).toString(),
      post('/networks/nosuch/connect', '{"Container":"xx","EndpointConfig":{}}').toString(),
      post('/volumes/nosuch/x', '{}').toString(),
      post(
        '/exec/nosuch/start',
        '{"Detach":true}',
        'Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 15',
      ).toString(),
    ].map((text) => Buffer.from(text));
    const wrong: string[] = [];
    const one = async () => {
      const bytes = mutate(seeds[random(seeds.length)] as Buffer, random);
      const answer = await send(bytes, { wait: 300 });
      const status = statusOf(answer);
      // A mutation may well be a request that is in order; what must never be is a failure of the engine.
      if (status !== undefined && !(status >= 100 && status < 500) && status !== 501 && status !== 503)
        wrong.push(`${answer.slice(0, 200)}\n<- ${bytes.toString('latin1')}`);
    };
    for (let round = 0; round < 50; round += 1) await Promise.all(Array.from({ length: 20 }, one));
    expect(wrong).toEqual([]);
    await expectAlive(pid);
  });
});

/** Numbers below `limit`, the same in every run (xorshift). */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

function mutate(bytes: Buffer, random: (limit: number) => number): Buffer {
  let out = Buffer.from(bytes);
  for (let times = 1 + random(4); times > 0; times -= 1) {
    const at = random(Math.max(1, out.length));
    const kind = random(5);
    if (kind === 0) out[at] = random(256);
    else if (kind === 1) out = out.subarray(0, at);
    else if (kind === 2)
      out = Buffer.concat([out.subarray(0, at), Buffer.from([random(256), random(256)]), out.subarray(at)]);
    else if (kind === 3) out = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + random(8))]);
    else out = Buffer.concat([out.subarray(0, at), out.subarray(Math.max(0, at - 20))]);
  }
  return out;
}
