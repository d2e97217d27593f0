import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createAnticipation } from './anticipate.ts';

const groups = () => readFileSync('/proc/self/cgroup', 'utf8');
const openGroups = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).endsWith('/cgroup.procs');
    } catch {
      return false;
    }
  }).length;

test('this process stays in its groups, and one file is kept open however often it is called', async () => {
  const before = groups();
  const anticipate = createAnticipation();
  for (let call = 0; call < 50; call++) {
    anticipate();
    await sleep(1);
  }
  expect(openGroups()).toBe(1);
  expect(groups()).toBe(before);
});

test('without a group to be found nothing is done', () => {
  const anticipate = createAnticipation({ v1: new Map(), named: new Map(), v2: undefined });
  expect(() => anticipate()).not.toThrow();
  const elsewhere = createAnticipation({ v1: new Map([['pids', '/nonexistent']]), named: new Map(), v2: undefined });
  expect(() => elsewhere()).not.toThrow();
});
