import { expect, test } from 'vitest';
import { loadPart } from './load-part.ts';

test('a part that fails to load is asked for again, later each time', async () => {
  const pauses: number[] = [];
  let asked = 0;
  const load = async () => {
    if (++asked < 4) throw new TypeError('Failed to fetch dynamically imported module');
    return 'the part';
  };
  expect(await loadPart(load, async (ms) => void pauses.push(ms))).toBe('the part');
  expect(asked).toBe(4);
  expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
});

test('what never loads fails in the end', async () => {
  let asked = 0;
  const load = async () => {
    asked++;
    throw new Error('gone');
  };
  await expect(loadPart(load, async () => undefined)).rejects.toThrow('gone');
  expect(asked).toBe(6);
});
