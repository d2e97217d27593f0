import { defineStore } from 'pinia';
import { computed, reactive } from 'vue';
import type { AppError, LayerProgress } from '../../../electron/contract/model.ts';
import { useClient } from '../../app/client.ts';
import { asAppError } from '../../app/errors.ts';
import { overallFraction } from './pull-progress.ts';

export interface Pull {
  key: number;
  reference: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  message: string;
  layers: LayerProgress[];
  /** 0 to 1, never going back; undefined while the size is not known */
  fraction: number | undefined;
  bytesPerSecond: number;
  imageId: string;
  error: AppError | undefined;
}

/** Pulls under way and lately ended. They go on while the user looks at other views. */
export const usePullsStore = defineStore('pulls', () => {
  const pulls = reactive<Pull[]>([]);
  const aborts = new Map<number, AbortController>();
  let next = 1;

  /** Starts a pull (once: asked again while it runs, the running one is given). */
  function start(reference: string): Pull {
    const running = pulls.find((pull) => pull.reference === reference && pull.state === 'running');
    if (running) return running;
    const earlier = pulls.findIndex((pull) => pull.reference === reference);
    if (earlier >= 0) pulls.splice(earlier, 1);
    pulls.unshift({
      key: next++,
      reference,
      state: 'running',
      message: 'Asking the registry',
      layers: [],
      fraction: undefined,
      bytesPerSecond: 0,
      imageId: '',
      error: undefined,
    });
    const pull = pulls[0] as Pull;
    void follow(pull);
    return pull;
  }

  async function follow(pull: Pull) {
    const abort = new AbortController();
    aborts.set(pull.key, abort);
    try {
      const updates = await useClient().images.pull(
        { reference: pull.reference, platform: '' },
        { signal: abort.signal },
      );
      for await (const update of updates) {
        if (abort.signal.aborted) break;
        pull.message = update.message;
        if (update.kind === 'done') {
          pull.imageId = update.imageId;
          pull.state = 'done';
          pull.fraction = 1;
          continue;
        }
        pull.layers = update.layers;
        pull.bytesPerSecond = update.bytesPerSecond;
        pull.fraction = Math.max(pull.fraction ?? 0, overallFraction(update.layers) ?? 0) || undefined;
      }
      if (pull.state === 'running') pull.state = abort.signal.aborted ? 'cancelled' : 'done';
    } catch (error) {
      pull.state = abort.signal.aborted ? 'cancelled' : 'failed';
      if (!abort.signal.aborted) pull.error = asAppError(error);
    } finally {
      aborts.delete(pull.key);
    }
  }

  function cancel(pull: Pull): void {
    aborts.get(pull.key)?.abort();
    pull.state = 'cancelled';
  }
  /** Takes an ended pull off the list. */
  function dismiss(pull: Pull): void {
    const at = pulls.findIndex((each) => each.key === pull.key);
    if (at >= 0 && pull.state !== 'running') pulls.splice(at, 1);
  }
  /** those under way first */
  const ordered = computed(() => [
    ...pulls.filter((pull) => pull.state === 'running'),
    ...pulls.filter((pull) => pull.state !== 'running'),
  ]);
  return { pulls, ordered, start, cancel, dismiss };
});
