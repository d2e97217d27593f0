import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quoted } from '../contract/shell-words.ts';
import { fillMemory, keepMemory } from './guest-memory.ts';
import type { Monitor } from './qmp.ts';

/**
 * The state of a machine as QEMU migrates it (docs/devel/migration), less its memory: that is shared with this process, which copies it
 * itself, and only what is used of it: QEMU would touch every page.
 */
const DEVICES = 'devices';
const IGNORE_SHARED = {
  execute: 'migrate-set-capabilities',
  arguments: { capabilities: [{ capability: 'x-ignore-shared', state: true }] },
};

/** Milliseconds for the devices' state, which is some hundred kilobytes. */
const PATIENCE = 20_000;

async function migrated(monitor: Monitor): Promise<void> {
  const until = performance.now() + PATIENCE;
  for (;;) {
    const answer = (await monitor.run({ execute: 'query-migrate' })) as { status?: string; 'error-desc'?: string };
    if (answer.status === 'completed') return;
    if (answer.status === 'failed' || performance.now() > until)
      throw new Error(`the state of the machine's devices: ${answer['error-desc'] ?? answer.status ?? 'nothing said'}`);
    await sleep(5);
  }
}

/** Into an empty directory, with the memory that is open as a descriptor here. The machine stands still meanwhile, and goes on whether it could be kept or not. */
export async function keepState(monitor: Monitor, memory: number, pid: number, directory: string): Promise<void> {
  await monitor.run({ execute: 'stop' });
  try {
    await monitor.run(IGNORE_SHARED);
    const uri = `exec:cat >${quoted(join(directory, DEVICES))}`;
    await monitor.run({ execute: 'migrate', arguments: { uri } });
    await migrated(monitor);
    keepMemory(memory, pid, directory);
  } finally {
    await monitor.run({ execute: 'cont' });
  }
}

/** Of a QEMU that waits for it (-incoming defer); it then stands still. */
export async function takeState(monitor: Monitor, memory: number, directory: string): Promise<void> {
  await monitor.run(IGNORE_SHARED);
  fillMemory(memory, directory);
  const uri = `exec:cat ${quoted(join(directory, DEVICES))}`;
  await monitor.run({ execute: 'migrate-incoming', arguments: { uri } });
  await migrated(monitor);
}

/** Added to the arguments of a QEMU that is to take a state. */
export const TAKES_STATE = ['-S', '-incoming', 'defer'];
