import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ContainerLookup } from '../containers/types.ts';

/** Tells a follower when to read on. */
export interface LogChanges {
  /** Resolves with true when the log may have grown or been rotated since the last call, with false when no more will come. */
  next(): Promise<boolean>;
  close(): void;
}

/**
 * Watches a container's log by its directory, which also tells of a rotation; a watch is one entry in the process's single inotify
 * instance. Ends when the container is no longer running: conmon has written all before the exit is known. Ends on abort too.
 */
export function watchLog(path: string, id: string, containers: ContainerLookup, signal: AbortSignal): LogChanges {
  // Starts as changed: what was written before the watch was there is read too.
  let changed = true;
  let wake: (() => void) | undefined;
  const notify = () => {
    changed = true;
    wake?.();
  };
  const running = () => {
    const record = containers.find(id);
    return record !== undefined && record.id === id && record.state.Running && !record.state.Restarting;
  };
  const prefix = basename(path);
  const watcher = watch(dirname(path), { persistent: false });
  watcher.on('change', (_event, name) => {
    if (name === null || name.toString().startsWith(prefix)) notify();
  });
  watcher.on('error', notify);
  let ended = false;
  const stop = containers.onChange((record) => {
    if (record.id !== id || running()) return;
    ended = true;
    notify();
  });
  if (!running()) ended = true;
  signal.addEventListener('abort', notify, { once: true });
  return {
    async next() {
      while (!changed && !ended && !signal.aborted) await new Promise<void>((done) => (wake = done));
      wake = undefined;
      changed = false;
      return !ended && !signal.aborted;
    },
    close() {
      stop();
      watcher.close();
      signal.removeEventListener('abort', notify);
    },
  };
}
