// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import type { LogLine } from '../../../../electron/contract/model.ts';
import { createLogModel } from '../../../ui/log-view/log-model.ts';
import { LogFeed, resumeTail, tailLimit } from './log-feed.ts';

const line = (time: number, text: string): LogLine => ({
  time,
  stamp: `${new Date(time).toISOString().slice(0, -1)}000500Z`,
  stream: 'stdout',
  text,
});
const lines = (...all: LogLine[]) => ({ kind: 'lines' as const, lines: all });

describe('LogFeed', () => {
  it('loads all at first and leaves out what it has when a stream is taken up again', () => {
    const model = createLogModel();
    const feed = new LogFeed(model);
    expect(feed.begin()).toBe(tailLimit);
    feed.take(lines(line(1, 'a'), line(2, 'b')));
    feed.take(lines(line(2, 'b again, same time')));
    feed.take({ kind: 'caughtUp' });
    expect(feed.begin()).toBe(resumeTail);
    feed.take(lines(line(1, 'a'), line(2, 'b')));
    feed.take(lines(line(2, 'b again, same time'), line(2, 'third of that time'), line(3, 'c')));
    const { store } = model;
    expect(Array.from({ length: store.length }, (_, i) => store.text(i))).toEqual([
      'a',
      'b',
      'b again, same time',
      'third of that time',
      'c',
    ]);
    expect(feed.gap).toBe(false);
  });

  it('sees that more was written meanwhile than it asked for', () => {
    const feed = new LogFeed(createLogModel());
    feed.begin();
    feed.take(lines(line(1, 'a')));
    feed.begin();
    feed.take(lines(...Array.from({ length: resumeTail }, (_, i) => line(100 + i, `n${i}`))));
    expect(feed.gap).toBe(true);
  });
});
