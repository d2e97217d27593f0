import { expect, test } from 'vitest';
import { readStatus } from './status-text.ts';

test.each([
  ['Up 3 minutes', '', null, 'Up 3 minutes'],
  ['Up 3 minutes (healthy)', 'healthy', null, 'Up 3 minutes'],
  ['Up 4 seconds (health: starting)', 'starting', null, 'Up 4 seconds'],
  ['Up 2 hours (unhealthy)', 'unhealthy', null, 'Up 2 hours'],
  ['Up 2 hours (Paused)', '', null, 'Up 2 hours (Paused)'],
  ['Exited (137) 5 days ago', '', 137, '5 days ago'],
  ['Restarting (1) 11 seconds ago', '', 1, '11 seconds ago'],
  ['Up Less than a second', '', null, 'Started just now'],
  ['Exited (0) Less than a second ago', '', 0, 'just now'],
  ['Created', '', null, 'Created'],
  ['', '', null, ''],
])('%s', (status, health, exitCode, since) => {
  expect(readStatus(status)).toEqual({ health, exitCode, since });
});
