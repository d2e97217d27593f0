/** Requests no engine should take, made from a seed: the same in every run. */
import {
  JSON_PATHS,
  WRONG,
  WRONG_HOST,
  GET_FILTERS,
  PRUNES,
  NUMBERS,
  NUMERIC,
  PATHS,
  METHODS,
  TRAVERSAL,
  NAMED,
} from './malformed-values.ts';

/** Numbers below `limit` (xorshift). */
export type Random = (limit: number) => number;

export function seeded(seed: number): Random {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

export interface Malformed {
  kind: string;
  bytes: Buffer;
}

const head = (method: string, path: string, headers: string[]) =>
  `${method} ${path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;
const JSON_TYPE = 'Content-Type: application/json';
const withBody = (method: string, path: string, body: string | Buffer, type = JSON_TYPE) =>
  Buffer.concat([
    Buffer.from(head(method, path, [type, `Content-Length: ${Buffer.byteLength(body)}`])),
    Buffer.from(body),
  ]);

type Make = (random: Random, places: (path: string) => string) => Buffer;
const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)] as T;
const randomBytes = (random: Random, length: number) => Buffer.from(Array.from({ length }, () => random(256)));

const MAKERS: Record<string, Make> = {
  'no JSON': (random, place) => {
    const body = pick(random, [
      '{',
      '{"a"',
      '{"a":',
      '[',
      '"x',
      '{]',
      "{'a':1}",
      '{"a":1,}',
      '{"a":1}}',
      'nul',
      '\u0000',
      '{"a":\u0001}',
    ]);
    return withBody('POST', place(pick(random, JSON_PATHS)), body.repeat(1 + random(3)));
  },
  'JSON that is no object': (random, place) =>
    withBody('POST', place(pick(random, JSON_PATHS)), pick(random, ['[]', '7', '"x"', 'true', '[{}]', '-0', '1e999'])),
  'bytes for JSON': (random, place) =>
    withBody(
      'POST',
      place(pick(random, JSON_PATHS)),
      Buffer.concat([Buffer.from('!'), randomBytes(random, 1 + random(200))]),
    ),
  'another content type': (random, place) =>
    withBody(
      'POST',
      place(pick(random, JSON_PATHS)),
      '{"a":1}',
      `Content-Type: ${pick(random, ['text/plain', 'application/xml', 'x', 'application/jsonx'])}`,
    ),
  'a field of another type': (random) => {
    const [name, values] = pick(random, WRONG);
    return withBody('POST', '/containers/create', JSON.stringify({ Image: '{i}', [name]: pick(random, values) }));
  },
  'a host field that cannot be': (random) => {
    const [name, values] = pick(random, WRONG_HOST);
    return withBody(
      'POST',
      '/containers/create',
      JSON.stringify({ Image: '{i}', HostConfig: { [name]: pick(random, values) } }),
    );
  },
  'a number that is none': (random, place) => {
    const [method, path] = pick(random, NUMERIC);
    return Buffer.from(head(method, place(path) + encodeURI(pick(random, NUMBERS)), ['Content-Length: 0']));
  },
  'an unknown filter': (random) => {
    const prune = random(2) === 0;
    const path = pick(random, prune ? PRUNES : GET_FILTERS.filter((one) => one !== '/events'));
    const filters = encodeURIComponent(JSON.stringify({ [`no${random(1000)}`]: ['x'] }));
    return Buffer.from(head(prune ? 'POST' : 'GET', `${path}?filters=${filters}`, ['Content-Length: 0']));
  },
  'filters that are none': (random) => {
    const prune = random(2) === 0;
    const text = pick(random, [
      '{',
      '[]',
      '7',
      '"x"',
      'null{',
      '{"label":7}',
      '{"label":"x"}',
      '{"label":[7]}',
      '{"label":[[]]}',
      '{"label":{"a":7}}',
      'x',
      '%zz',
    ]);
    const path = pick(random, prune ? PRUNES : GET_FILTERS);
    return Buffer.from(
      head(prune ? 'POST' : 'GET', `${path}?filters=${encodeURIComponent(text)}`, ['Content-Length: 0']),
    );
  },
  'a huge header': (random) =>
    Buffer.from(head('GET', '/info', [`X-${'a'.repeat(1 + random(50))}: ${'b'.repeat(17_000 + random(60_000))}`])),
  'many headers': (random) =>
    Buffer.from(
      head(
        'GET',
        '/info',
        Array.from({ length: 2500 }, (_value, index) => `X-${index}: ${random(10)}${'y'.repeat(10)}`),
      ),
    ),
  'a long URL': (random) => Buffer.from(head('GET', `/containers/json?a=${'a'.repeat(17_000 + random(100_000))}`, [])),
  'bad chunks': (random, place) => {
    const chunks = pick(random, [
      'zz\r\n{}\r\n0\r\n\r\n',
      '-1\r\n{}\r\n',
      '2\r\n{}x\r\n0\r\n\r\n',
      'ffffffffffffffffff\r\n{}',
      '2\n{}\n0\n\n',
      '2;\u0000\r\n{}\r\n',
      '5\r\n{}',
    ]);
    return Buffer.from(
      head('POST', place(pick(random, JSON_PATHS)), [JSON_TYPE, 'Transfer-Encoding: chunked']) + chunks,
    );
  },
  'a body cut short': (random, place) =>
    Buffer.from(
      head('POST', place(pick(random, JSON_PATHS)), [JSON_TYPE, `Content-Length: ${50 + random(5000)}`]) +
        '{"Image":"x",',
    ),
  'lengths that contradict': (random, place) => {
    const lines = pick(random, [
      ['Content-Length: 2', 'Content-Length: 5'],
      ['Content-Length: -2'],
      ['Content-Length: x'],
      ['Content-Length: 2', 'Transfer-Encoding: chunked'],
      [`Content-Length: ${'9'.repeat(40)}`],
    ]);
    return Buffer.from(`${head('POST', place(pick(random, JSON_PATHS)), [JSON_TYPE, ...lines])}{}`);
  },
  'a method that does not belong': (random) =>
    Buffer.from(head(pick(random, METHODS), pick(random, PATHS), ['Content-Length: 0'])),
  'no method': (random) => Buffer.from(head(pick(random, ['get', 'G E T', '', 'POSTT', '{}', '\u0000']), '/info', [])),
  'a path that leads elsewhere': (random) => {
    const [method, before, after] = pick(random, NAMED);
    const name = Array.from({ length: 1 + random(3) }, () => pick(random, TRAVERSAL)).join(
      pick(random, ['', '/', '%2f']),
    );
    return withBody(method, before + name + after, '');
  },
  'a version that is none': (random) =>
    Buffer.from(
      head(
        'GET',
        `/v${pick(random, ['1', '0.0', '1.23', '1.99', '2.0', '9'.repeat(300), '1..4', '.', '-1.4', '1.4x', '1.52'])}/info`,
        [],
      ),
    ),
  garbage: (random) => Buffer.concat([Buffer.from([random(32)]), randomBytes(random, 1 + random(2000))]),
  'a request cut short': (random) => {
    const whole = head('GET', '/containers/json?all=1', ['Accept: x']);
    return Buffer.from(whole.slice(0, 1 + random(whole.length - 2)));
  },
  'an upgrade that is none': (random, place) => {
    const path = pick(random, [
      '/containers/nosuch/attach?stream=1',
      '/exec/nosuch/start',
      '/containers/nosuch/attach/ws',
      '/containers/{c}/attach/ws',
      '/containers/{c}/attach?detachKeys=ctrl-%00',
      '/session',
      '/nosuch',
    ]);
    const method = path.includes('/ws') ? 'GET' : 'POST';
    return Buffer.from(
      `${method} ${place(path)} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: ${pick(random, ['tcp', 'h2c', 'x'])}\r\nContent-Length: 0\r\n\r\n`,
    );
  },
  'an archive that is none': (random, place) =>
    withBody(
      'PUT',
      place('/containers/{c}/archive?path=/tmp'),
      Buffer.concat([Buffer.from('x'), randomBytes(random, 600 + random(2000))]),
      'Content-Type: application/x-tar',
    ),
};

/** `places` puts real names where a path has `{c}`, `{e}` or `{i}`. */
export function* malformed(seed: number, count: number, places: (path: string) => string): Generator<Malformed> {
  const random = seeded(seed);
  const kinds = Object.keys(MAKERS);
  for (let made = 0; made < count; made += 1) {
    const kind = kinds[made % kinds.length] as string;
    const bytes = (MAKERS[kind] as Make)(random, places);
    const image = Buffer.from('"{i}"');
    const at = bytes.indexOf(image);
    if (at < 0) yield { kind, bytes };
    else {
      // The length of the body changes with the name.
      const text = bytes.toString('latin1');
      const split = text.indexOf('\r\n\r\n') + 4;
      const body = places(text.slice(split));
      yield { kind, bytes: withBody('POST', '/containers/create', Buffer.from(body, 'latin1')) };
    }
  }
}
