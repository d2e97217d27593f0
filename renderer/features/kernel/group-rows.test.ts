import { describe, expect, test } from 'vitest';
import type { CgroupNode } from '../../../electron/contract/model.ts';
import { moveByKey, rowsOf, UseBook } from './group-rows.ts';

const none = { memory: null, cpus: null, pids: null, cpuset: null };
const node = (path: string, part: Partial<CgroupNode> = {}): CgroupNode => ({
  name: path.slice(path.lastIndexOf('/') + 1),
  path,
  memory: 0,
  pids: 0,
  cpuPercent: 0,
  time: 1_000,
  cpuTime: 0,
  readBytes: 0,
  writeBytes: 0,
  limits: none,
  children: [],
  ...part,
});
const tree = node('/b', { children: [node('/b/x', { children: [node('/b/x/in')] }), node('/b/y')] });

describe('rows', () => {
  const paths = (closed: string[]) => rowsOf(tree, new Set(closed)).map((row) => row.node.path);
  test('are all that is not below a closed group', () => {
    expect(paths([])).toEqual(['/b', '/b/x', '/b/x/in', '/b/y']);
    expect(paths(['/b/x'])).toEqual(['/b', '/b/x', '/b/y']);
    expect(paths(['/b', '/b/y'])).toEqual(['/b']);
  });
  test('stand in the order of their titles', () => {
    const titles: Record<string, string> = { '/b/x': 'zeta', '/b/y': 'alpha' };
    const rows = rowsOf(tree, new Set(), ({ path }) => titles[path] ?? path);
    expect(rows.map((row) => row.node.path)).toEqual(['/b', '/b/y', '/b/x', '/b/x/in']);
  });
  test('know their place', () => {
    const [top, x, inner, y] = rowsOf(tree, new Set());
    expect([top?.depth, x?.depth, inner?.depth, y?.depth]).toEqual([0, 1, 2, 1]);
    expect([x?.position, y?.position, y?.siblings, inner?.siblings]).toEqual([1, 2, 2, 1]);
    expect([top?.parent, inner?.parent]).toEqual([null, '/b/x']);
    expect([x?.open, y?.open]).toEqual([true, false]);
  });
});

describe('keys', () => {
  const move = (at: string, key: string, closed: string[] = []) => moveByKey(rowsOf(tree, new Set(closed)), at, key);
  test.each([
    ['/b', 'ArrowDown', { to: '/b/x' }],
    ['/b', 'ArrowUp', undefined],
    ['/b/x/in', 'ArrowLeft', { to: '/b/x' }],
    ['/b/x', 'ArrowLeft', { close: '/b/x' }],
    ['/b/x', 'ArrowRight', { to: '/b/x/in' }],
    ['/b/y', 'ArrowRight', undefined],
    ['/b/y', 'ArrowDown', undefined],
    ['/b/y', 'Home', { to: '/b' }],
    ['/b', 'End', { to: '/b/y' }],
    ['/b', 'x', undefined],
    ['/gone', 'ArrowDown', { to: '/b' }],
  ])('%s %s', (at, key, expected) => expect(move(at, key)).toEqual(expected));
  test('open what is closed, and skip what is in it', () => {
    expect(move('/b/x', 'ArrowRight', ['/b/x'])).toEqual({ open: '/b/x' });
    expect(move('/b/x', 'ArrowDown', ['/b/x'])).toEqual({ to: '/b/y' });
    expect(move('/b/x', 'ArrowLeft', ['/b/x'])).toEqual({ to: '/b' });
  });
});

describe('rates', () => {
  test('are the difference of two readings over the time between them', () => {
    const book = new UseBook();
    expect(book.take(node('/b', { cpuTime: 5e9, readBytes: 100 })).get('/b')).toMatchObject({ cpu: 0, cpuLine: [] });
    // two seconds later: half a second of CPU time more
    const later = book.take(node('/b', { time: 3_000, cpuTime: 5.5e9, readBytes: 300, writeBytes: 50 }));
    expect(later.get('/b')).toEqual({ cpu: 25, read: 100, write: 25, cpuLine: [25] });
    const same = book.take(node('/b', { time: 3_000, cpuTime: 5.5e9, readBytes: 300, writeBytes: 50 }));
    expect(same.get('/b')?.cpu).toBe(25);
  });
  test('begin again with a group that was made anew, and forget what has gone', () => {
    const book = new UseBook();
    book.take(node('/b', { cpuTime: 9e9, children: [node('/b/x', { cpuTime: 1e9 })] }));
    const use = book.take(node('/b', { time: 2_000, cpuTime: 1e9 }));
    expect([...use.keys()]).toEqual(['/b']);
    expect(use.get('/b')).toMatchObject({ cpu: 0, cpuLine: [] });
  });
  test('of the last forty readings are kept for the line', () => {
    const book = new UseBook();
    let use = book.take(node('/b'));
    for (let second = 2; second <= 60; second++)
      use = book.take(node('/b', { time: second * 1_000, cpuTime: second * 1e7 }));
    expect(use.get('/b')?.cpuLine).toHaveLength(40);
  });
});
