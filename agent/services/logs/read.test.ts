import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogs, type LogBackend, type LogQuery } from './create.ts';
import { detailsOf } from './details.ts';
import { LogCollector, LogFixture } from './testing.ts';

const EVERYTHING: LogQuery = {
  stdout: true,
  stderr: true,
  follow: false,
  timestamps: false,
  details: false,
  since: undefined,
  until: undefined,
  tail: undefined,
};
const second = (fraction: bigint) => BigInt(Date.parse('2020-11-23T20:11:12Z')) * 1_000_000n + fraction;

let fixture: LogFixture;
let logs: LogBackend;
/** who listens for changes when nobody follows: the rotation */
const AT_REST = 1;
beforeEach(() => {
  fixture = new LogFixture();
  logs = createLogs({ containers: fixture.containers, layout: fixture.layout });
});
afterEach(() => {
  logs.close();
  expect(fixture.containers.listeners).toBe(0);
  fixture.remove();
});

const open = (id: string, query: Partial<LogQuery> = {}) => logs.open(id, { ...EVERYTHING, ...query });
async function read(id: string, query: Partial<LogQuery> = {}): Promise<LogCollector> {
  const collector = new LogCollector();
  await open(id, query).run(collector.write, new AbortController().signal);
  return collector;
}

describe('reading a log', () => {
  test('gives each line in a frame of its stream', async () => {
    fixture.containers.add('a');
    fixture.append('a', ['o:F:one', 'e:F:two', 'o:F:', 'o:F:three']);
    expect((await read('a')).frames).toEqual(['1:one\n', '2:two\n', '1:\n', '1:three\n']);
    expect((await read('a', { stderr: false })).frames).toEqual(['1:one\n', '1:\n', '1:three\n']);
    expect((await read('a', { stdout: false })).frames).toEqual(['2:two\n']);
  });

  test('joins partial entries, and gives a last line without newline as it is', async () => {
    fixture.containers.add('a');
    fixture.append('a', ['o:P:be', 'e:F:other', 'o:P:gin', 'o:F:ning', 'o:P:no newline']);
    const raw = (await read('a')).frames.filter((frame) => frame.startsWith('1:')).map((frame) => frame.slice(2));
    expect(raw.join('')).toBe('beginning\nno newline');
  });

  test('keeps every byte: NUL, invalid UTF-8, carriage returns, what looks like an entry', async () => {
    fixture.containers.add('a', { config: { Tty: true } });
    const line = 'a\0b\xff\xfe\r\x1b[0m 2020-11-23T20:11:12.000000000+00:00 stdout F x\r';
    fixture.append('a', [`o:F:${line}`]);
    const log = open('a');
    expect(log.tty).toBe(true);
    expect((await read('a')).raw.toString('latin1')).toBe(`${line}\n`);
  });

  test('puts a timestamp before each line once, in UTC whatever zone conmon wrote in', async () => {
    fixture.containers.add('a');
    fixture.append('a', ['o:P:be', 'o:F:gin']);
    appendFileSync(fixture.path('a'), fixture.entry('e:F:east', '+05:30'));
    appendFileSync(fixture.path('a'), fixture.entry('e:F:west', '-03:00'));
    const log = await read('a', { timestamps: true });
    expect(log.frames).toEqual([
      '1:2020-11-23T20:11:12.000000000Z be',
      '1:gin\n',
      '2:2020-11-23T14:41:12.000000002Z east\n',
      '2:2020-11-23T23:11:12.000000003Z west\n',
    ]);
  });

  test('since and until are inclusive, to the nanosecond', async () => {
    fixture.containers.add('a');
    fixture.append('a', ['o:F:0', 'o:F:1', 'o:F:2', 'o:F:3']);
    expect((await read('a', { since: second(1n), until: second(2n) })).frames).toEqual(['1:1\n', '1:2\n']);
    expect((await read('a', { since: second(9n) })).frames).toEqual([]);
  });

  test('a log that is not there yet is empty', async () => {
    fixture.containers.add('a');
    fixture.path('a');
    expect((await read('a')).raw.length).toBe(0);
    expect((await read('a', { tail: 3 })).raw.length).toBe(0);
  });

  test('an entry that was cut off when its writer died is given as far as it goes', async () => {
    fixture.containers.add('a', { state: { Running: false, Status: 'exited' } });
    fixture.append('a', ['o:F:whole']);
    appendFileSync(fixture.path('a'), '2020-11-23T20:11:13.000000000+00:00 stdout F cut o');
    expect((await read('a')).frames).toEqual(['1:whole\n', '1:cut o']);
  });

  test('lines longer than any buffer come through whole', async () => {
    fixture.containers.add('a');
    const long = 'x'.repeat(3_000_000);
    fixture.append('a', ['o:F:before', `o:F:${long}`, 'o:F:after']);
    const { frames } = await read('a');
    expect(frames.map((frame) => frame.length)).toEqual([9, 3_000_003, 8]);
    expect((await read('a', { tail: 2 })).frames.map((frame) => frame.length)).toEqual([3_000_003, 8]);
  });

  test('entries split at any place of the read buffer are read once', async () => {
    fixture.containers.add('a');
    const lines = Array.from({ length: 30_000 }, (_, index) => `o:F:${index}:${'y'.repeat(index % 97)}`);
    fixture.append('a', lines);
    expect((await read('a')).frames).toEqual(lines.map((line) => `1:${line.slice(4)}\n`));
  });

  test('what is no entry is skipped', async () => {
    fixture.containers.add('a');
    writeFileSync(fixture.path('a'), 'rubbish\n\n2020-11-23T20:11:12 stdout F short stamp\n');
    fixture.append('a', ['o:F:good']);
    expect((await read('a')).frames).toEqual(['1:good\n']);
    expect((await read('a', { tail: 1 })).frames).toEqual(['1:good\n']);
  });
});

describe('tail', () => {
  test.each([0, 1, 2, 3, 7, 100])(
    'gives the last %i lines, partial entries and rotated files included',
    async (tail) => {
      fixture.containers.add('a');
      fixture.append('a', ['o:F:1', 'o:P:2', 'o:P:-', 'o:F:2'], '.2');
      fixture.append('a', ['e:F:3'], '.1');
      fixture.append('a', ['o:F:4', 'o:P:5', 'o:F:-5', 'o:P:6 unfinished']);
      const whole = ['1\n', '2-2\n', '3\n', '4\n', '5-5\n', '6 unfinished'];
      const log = await read('a', { tail });
      expect(log.frames.map((frame) => frame.slice(2)).join('')).toBe(
        whole.slice(Math.max(0, whole.length - tail)).join(''),
      );
    },
  );

  test('reads backwards through many blocks', async () => {
    fixture.containers.add('a');
    const lines = Array.from({ length: 20_000 }, (_, index) => `o:F:${index}:${'z'.repeat(index % 211)}`);
    fixture.append('a', lines);
    for (const tail of [1, 500, 19_999, 20_000])
      expect((await read('a', { tail })).frames).toEqual(lines.slice(-tail).map((line) => `1:${line.slice(4)}\n`));
  });
});

describe('follow', () => {
  const follow = (id: string, query: Partial<LogQuery> = {}) => {
    const collector = new LogCollector();
    const abort = new AbortController();
    const ended = open(id, { ...query, follow: true }).run(collector.write, abort.signal);
    return { collector, abort, ended };
  };
  const until = async (condition: () => boolean) => {
    for (let wait = 0; !condition(); wait++) {
      if (wait > 400) throw new Error('waited in vain');
      await sleep(5);
    }
  };

  test('gives what comes, and ends with the container', async () => {
    fixture.containers.add('a');
    fixture.append('a', ['o:F:1']);
    const { collector, ended } = follow('a');
    await until(() => collector.frames.length === 1);
    fixture.append('a', ['o:F:2']);
    await until(() => collector.frames.length === 2);
    fixture.append('a', ['o:F:3', 'o:P:end']);
    fixture.containers.stop('a');
    await ended;
    expect(collector.frames).toEqual(['1:1\n', '1:2\n', '1:3\n', '1:end']);
    expect(fixture.containers.listeners).toBe(AT_REST);
  });

  test('waits for a log that is not there yet, and for the rest of an entry', async () => {
    fixture.containers.add('a');
    const path = fixture.path('a');
    const { collector, ended } = follow('a');
    await sleep(20);
    const entry = fixture.entry('o:F:in two parts');
    appendFileSync(path, entry.subarray(0, 50));
    await sleep(20);
    expect(collector.frames).toEqual([]);
    appendFileSync(path, entry.subarray(50));
    await until(() => collector.frames.length === 1);
    fixture.containers.stop('a');
    await ended;
    expect(collector.frames).toEqual(['1:in two parts\n']);
  });

  test('loses and doubles nothing while the log is rotated under it, again and again', async () => {
    fixture.containers.add('a');
    const path = fixture.path('a');
    const { collector, ended } = follow('a');
    const expected: string[] = [];
    let number = 0;
    for (let round = 0; round < 40; round++) {
      for (let line = 0; line < 25; line++) {
        fixture.append('a', [`o:F:${number}`]);
        expected.push(`1:${number++}\n`);
        if (line % 8 === 0) await sleep(0);
      }
      // as rotation does: the writer goes on in the renamed file for a moment
      for (let old = round; old >= 1; old--) renameSync(`${path}.${old}`, `${path}.${old + 1}`);
      renameSync(path, `${path}.1`);
      fixture.append('a', [`o:F:${number}`], '.1');
      expected.push(`1:${number++}\n`);
      if (round % 3 === 0) await sleep(1);
    }
    fixture.containers.stop('a');
    await ended;
    expect(collector.frames).toEqual(expected);
    expect((await read('a')).frames).toEqual(expected);
  });

  test('ends when the client goes, and at once when the container does not run', async () => {
    fixture.containers.add('a');
    fixture.append('a', ['o:F:1']);
    const { collector, abort, ended } = follow('a');
    await until(() => collector.frames.length === 1);
    abort.abort();
    await ended;
    expect(fixture.containers.listeners).toBe(AT_REST);
    fixture.containers.stop('a');
    expect((await read('a', { follow: true })).frames).toEqual(['1:1\n']);
  });

  test('ends at a time to come that was given as its end', async () => {
    fixture.containers.add('a');
    fixture.append('a', ['o:F:1']);
    const { collector, ended } = follow('a', { until: BigInt(Date.now() + 150) * 1_000_000n });
    await ended;
    expect(collector.frames).toEqual(['1:1\n']);
    expect(fixture.containers.listeners).toBe(AT_REST);
  });
});

describe('refusals', () => {
  test('in dockerd’s words', () => {
    fixture.containers.add('none', { hostConfig: { LogConfig: { Type: 'none', Config: {} } } });
    fixture.containers.add('dead', { state: { Dead: true, Status: 'dead' } });
    expect(() => open('none')).toThrow(
      expect.objectContaining({
        kind: 'not-implemented',
        message: 'configured logging driver does not support reading',
      }),
    );
    expect(() => open('dead')).toThrow(
      expect.objectContaining({
        kind: 'conflict',
        message: 'can not get logs from container which is dead or marked for removal',
      }),
    );
    expect(() => open('nobody')).toThrow(
      expect.objectContaining({ kind: 'not-found', message: 'No such container: nobody' }),
    );
  });

  test('details are the labels and variables the log options name', async () => {
    const record = fixture.containers.add('a', {
      config: { Labels: { tier: 'web', other: 'x' }, Env: ['REGION=eu', 'SECRET=1'] },
      hostConfig: { LogConfig: { Type: 'json-file', Config: { labels: 'tier', env: 'REGION' } } },
    });
    expect(detailsOf(record)).toBe('REGION=eu,tier=web');
    const by = (Config: Record<string, string>) =>
      detailsOf({ ...record, hostConfig: { LogConfig: { Type: 'json-file', Config } } });
    expect(by({ 'labels-regex': '^t', 'env-regex': 'C.*T' })).toBe('SECRET=1,tier=web');
    expect(by({ tag: '{{.Name}}/{{ .ID }} (a!)' })).toBe('tag=name-a%2Fa+%28a%21%29');
    fixture.append('a', ['o:F:line']);
    expect((await read('a', { details: true, timestamps: true })).frames).toEqual([
      '1:2020-11-23T20:11:12.000000000Z REGION=eu,tier=web line\n',
    ]);
  });
});
