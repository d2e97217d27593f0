import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { EngineStatus } from '../../../electron/contract/model.ts';
import { useClient } from '../../app/client.ts';
import { asAppError } from '../../app/errors.ts';
import { useSubscription } from '../../composables/subscribe.ts';
import { toastError } from '../../ui/toasts.ts';

/** The engine's state as the host tells it; `status` is undefined until the host has told anything. */
export const useEngineStore = defineStore('engine', () => {
  const status = ref<EngineStatus>();
  const retrying = ref(false);

  useSubscription(
    (signal) => useClient().engine.watch(undefined, { signal }),
    (next) => (status.value = next),
  );

  async function start() {
    retrying.value = true;
    try {
      await useClient().engine.start();
    } catch (error) {
      toastError('The engine did not start', asAppError(error));
    } finally {
      retrying.value = false;
    }
  }
  return { status, retrying, start };
});
