import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { EngineChoices } from '../../../electron/contract/engines.ts';
import { useClient } from '../../app/client.ts';
import { asAppError } from '../../app/errors.ts';
import { subscribe } from '../../composables/subscribe.ts';
import { toastError } from '../../ui/toasts.ts';

/** Which engines there are and which is used; followed while a view shows it. */
export const useEnginesStore = defineStore('engines', () => {
  const choices = shallowRef<EngineChoices>();
  /** the id that is being changed to */
  const selecting = ref<string>();

  function follow(): () => void {
    return subscribe(
      (signal) => useClient().engines.watch(undefined, { signal }),
      (next) => (choices.value = next),
    );
  }

  async function select(id: string): Promise<void> {
    if (selecting.value !== undefined) return;
    selecting.value = id;
    try {
      await useClient().engines.select({ id });
    } catch (error) {
      toastError('The engine was not changed', asAppError(error));
    } finally {
      selecting.value = undefined;
    }
  }

  async function remove(id: string): Promise<void> {
    try {
      await useClient().engines.remove({ id });
    } catch (error) {
      toastError('The engine was not removed from the list', asAppError(error));
    }
  }
  const current = computed(() => choices.value?.options.find(({ id }) => id === choices.value?.current));
  return { choices, current, selecting, follow, select, remove };
});
