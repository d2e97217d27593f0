import { expect, test } from 'vitest';
import { forward } from './forward.ts';
import type { Question } from './message.ts';

const question = { id: 1, name: 'example.org', type: 1, raw: Buffer.alloc(0) } as unknown as Question;

/** To the broadcast address connect(2) is refused at once, as everything is on a machine without a network. */
test.each([true, false])('servers that cannot be reached are no answer, and no accident (TCP: %s)', async (overTcp) => {
  const begun = Date.now();
  expect(await forward(Buffer.alloc(12), question, ['255.255.255.255', '255.255.255.255'], overTcp)).toBeUndefined();
  expect(Date.now() - begun).toBeLessThan(3000);
});
