import { ref, shallowRef } from 'vue';
import type { AppError, LayerProgress } from '../../../electron/contract/model.ts';
import type { RunRequest } from '../../../electron/contract/run-request.ts';
import { useClient } from '../../app/client.ts';
import { asAppError } from '../../app/errors.ts';
import { overallFraction } from '../images/pull-progress.ts';

export type RunPhase = 'idle' | 'pulling' | 'creating' | 'starting';
export type RunOutcome =
  | { kind: 'started'; id: string; warnings: string[] }
  | { kind: 'failed'; error: AppError }
  | { kind: 'cancelled'; id: string };

/** One run at a time: pull where needed, create, start; with what is needed to show how far it is. */
export function createRunner() {
  const phase = ref<RunPhase>('idle');
  const message = ref('');
  const layers = shallowRef<LayerProgress[]>([]);
  const fraction = ref<number>();
  const bytesPerSecond = ref(0);
  let abort: AbortController | undefined;

  async function run(request: RunRequest, imageStored: boolean): Promise<RunOutcome> {
    const mine = new AbortController();
    abort = mine;
    phase.value = imageStored ? 'creating' : 'pulling';
    message.value = imageStored ? '' : 'Asking the registry';
    layers.value = [];
    fraction.value = undefined;
    let id = '';
    let warnings: string[] = [];
    try {
      for await (const update of await useClient().containers.run(request, { signal: mine.signal })) {
        if (mine.signal.aborted) break;
        if (update.kind === 'progress') {
          phase.value = 'pulling';
          message.value = update.message;
          layers.value = update.layers;
          bytesPerSecond.value = update.bytesPerSecond;
          fraction.value = Math.max(fraction.value ?? 0, overallFraction(update.layers) ?? 0) || undefined;
        } else if (update.kind === 'done') phase.value = 'creating';
        else if (update.kind === 'created') {
          id = update.id;
          warnings = update.warnings;
          phase.value = 'starting';
        } else id = update.id;
      }
      return mine.signal.aborted ? { kind: 'cancelled', id } : { kind: 'started', id, warnings };
    } catch (error) {
      return mine.signal.aborted ? { kind: 'cancelled', id } : { kind: 'failed', error: asAppError(error) };
    } finally {
      phase.value = 'idle';
    }
  }
  const cancel = () => abort?.abort();
  return { phase, message, layers, fraction, bytesPerSecond, run, cancel };
}
