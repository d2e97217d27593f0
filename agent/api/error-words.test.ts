import { expect, test } from 'vitest';
import { systemError } from './errors.ts';
import { errorWords } from './error-words.ts';

test.each([
  [
    new Error("ENOSPC: no space left on device, mkdir '/data/containers/x'"),
    'mkdir /data/containers/x: no space left on device (free some, for instance with "docker system prune", and try again)',
  ],
  [
    new Error('ENOSPC: no space left on device, write'),
    'write: no space left on device (free some, for instance with "docker system prune", and try again)',
  ],
  [
    systemError('failed to register layer: /data: no space left on device'),
    'failed to register layer: /data: no space left on device (free some, for instance with "docker system prune", and try again)',
  ],
  [
    new Error("EROFS: read-only file system, rename '/a' -> '/b'"),
    'rename /a: read-only file system (the engine keeps its state there: make it writable)',
  ],
  [
    systemError('crun: mount `/x`: read-only file system'),
    // of the container's: the engine's state is not concerned
    'crun: mount `/x`: read-only file system',
  ],
  [new Error("EACCES: permission denied, open '/x'"), 'open /x: permission denied'],
  [new Error('No such container: x'), 'No such container: x'],
  [new Error(''), 'Error'],
  ['text', 'text'],
])('%s', (error, words) => {
  expect(errorWords(error)).toBe(words);
});
