import { expect, test } from 'vitest';
import type { NamespaceMember } from '../../../electron/contract/model.ts';
import { cellWord, namespacesOf } from './namespace-groups.ts';

const member = (containerId: string, namespaces: NamespaceMember['namespaces'], processCount = 1): NamespaceMember => ({
  containerId,
  main: true,
  namespaces,
  processes: [],
  processCount,
});

test('namespaces are the host’s, shared between containers, or one container’s own', () => {
  const host = { pid: 1, net: 2, user: 3 };
  const found = namespacesOf({
    host,
    members: [
      member('a', { pid: 10, net: 20, user: 3 }, 2),
      member('b', { pid: 11, net: 20, user: 3 }),
      // two groups of processes of one container share a namespace: it is still that container's own
      member('c', { pid: 12, net: 2, user: 3 }),
      member('c', { pid: 12, net: 21, user: 3 }),
    ],
  });
  const word = (inode: number) => cellWord(found.get(inode) as NonNullable<ReturnType<typeof found.get>>);
  expect([1, 2, 3].map(word)).toEqual(['host', 'host', 'host']);
  expect([10, 11, 12, 21].map(word)).toEqual(['own', 'own', 'own', 'own']);
  expect(word(20)).toBe('shared');
  expect(found.get(20)).toMatchObject({ type: 'net', processCount: 3 });
  expect(found.get(20)?.members.map(({ containerId }) => containerId)).toEqual(['a', 'b']);
  expect(found.get(3)?.members).toHaveLength(4);
});

test('each shared namespace has a shade of its own, in turn', () => {
  const pair = (inode: number) => [member(`a${inode}`, { net: inode }), member(`b${inode}`, { net: inode })];
  const found = namespacesOf({ host: { net: 1 }, members: [5, 6, 7, 8, 9, 10, 11].flatMap(pair) });
  expect([5, 6, 7, 8, 9, 10, 11].map((inode) => found.get(inode)?.shade)).toEqual([0, 1, 2, 3, 4, 5, 0]);
  expect(found.get(1)?.shade).toBe(-1);
});
