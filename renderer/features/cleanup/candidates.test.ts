import { expect, test } from 'vitest';
import { candidatesOf, sizeOf } from './candidates.ts';

test('only what nothing uses goes, each in one group, the largest first', () => {
  const groups = candidatesOf({
    layers: 100,
    containers: [
      { id: 'a', name: 'runs', size: 5, live: true },
      { id: 'b', name: 'small', size: 1, live: false },
      { id: 'c', name: 'large', size: 9, live: false },
    ],
    images: [
      { id: 'sha256:1', tags: ['used:1'], size: 10, own: 10, used: true },
      { id: 'sha256:2', tags: ['free:1', 'free:2'], size: 10, own: 4, used: false },
      { id: 'sha256:3456789abcdef', tags: [], size: 10, own: 10, used: false },
    ],
    volumes: [
      { name: 'data', size: 7, usedBy: ['runs'], anonymous: false },
      { name: 'old', size: -1, usedBy: [], anonymous: false },
      { name: 'f'.repeat(64), size: 3, usedBy: [], anonymous: true },
    ],
    networks: [
      { id: 'n1', name: 'used', used: true },
      { id: 'n2', name: 'free', used: false },
    ],
  });
  expect(Object.fromEntries(groups.map(({ kind, items }) => [kind, items.map(({ name }) => name)]))).toEqual({
    containers: ['large', 'small'],
    dangling: ['3456789abcde'],
    images: ['free:1, free:2'],
    anonymous: ['f'.repeat(64)],
    volumes: ['old'],
    networks: ['free'],
  });
  expect(groups.map(({ items }) => sizeOf(items))).toEqual([10, 10, 4, 3, 0, 0]);
});
