/** Thread that fetches and unpacks layers, so that the engine itself stays free to answer. Speaks `unpack/protocol.ts` with its parent. */
import { rmSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { EngineError } from '../api/errors.ts';
import { RegistryError } from './registry/errors.ts';
import type { FromWorker, LayerTask, ToWorker } from './unpack/protocol.ts';
import { DigestMismatch, runTask } from './unpack/run-task.ts';

/** milliseconds between two reports of progress */
const REPORT_EVERY = 100;

const running = new Map<number, AbortController>();
const say = (message: FromWorker) => parentPort?.postMessage(message);

function describe(error: unknown): Extract<FromWorker, { kind: 'failed' }>['error'] {
  if (error instanceof RegistryError)
    return { kind: error.kind, message: error.message, registryCode: error.code, status: error.status };
  if (error instanceof EngineError) return { kind: error.kind, message: error.message };
  return { kind: 'system', message: error instanceof Error ? error.message : String(error) };
}

async function start(task: LayerTask): Promise<void> {
  const abort = new AbortController();
  running.set(task.id, abort);
  let reported = 0;
  try {
    const size = await runTask(task, abort.signal, {
      onBytes: (fetched) => {
        const now = performance.now();
        if (now - reported < REPORT_EVERY) return;
        reported = now;
        say({ kind: 'progress', id: task.id, fetched });
      },
      onRetry: (seconds) => say({ kind: 'retrying', id: task.id, seconds }),
      onVerified: () => say({ kind: 'verified', id: task.id }),
    });
    say({ kind: 'done', id: task.id, size });
  } catch (error) {
    if (error instanceof DigestMismatch && task.partialPath !== undefined) rmSync(task.partialPath, { force: true });
    if (task.unpack) rmSync(task.unpack.directory, { recursive: true, force: true });
    say({ kind: 'failed', id: task.id, error: describe(error) });
  } finally {
    running.delete(task.id);
  }
}

parentPort?.on('message', (message: ToWorker) => {
  if (message.kind === 'start') void start(message.task);
  else running.get(message.id)?.abort();
});
