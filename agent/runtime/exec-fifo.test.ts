import { closeSync, constants, existsSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { syscalls } from '../system/syscalls.ts';
import { passExecFifo } from './exec-fifo.ts';

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'berth-fifo-'));
  mkdirSync(join(state, 'c'));
});
afterEach(() => rmSync(state, { recursive: true }));

test('a process that waits gets its byte, and the FIFO goes', () => {
  const fifo = join(state, 'c', 'exec.fifo');
  syscalls().mkfifo(fifo, 0o600);
  const waiting = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    expect(passExecFifo(state, 'c')).toBe(true);
    expect(readSync(waiting, Buffer.alloc(2))).toBe(1);
    expect(existsSync(fifo)).toBe(false);
    expect(passExecFifo(state, 'c')).toBe(false);
  } finally {
    closeSync(waiting);
  }
});

test('where nobody waits all stays as it is, for the runtime to tell', () => {
  const fifo = join(state, 'c', 'exec.fifo');
  syscalls().mkfifo(fifo, 0o600);
  expect(passExecFifo(state, 'c')).toBe(false);
  expect(existsSync(fifo)).toBe(true);
});
