import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { Kind } from './candidates.ts';

/** Opens the clean-up from anywhere, with some kinds chosen. */
export const useCleanUp = defineStore('clean-up', () => {
  const open = ref(false);
  const chosen = ref<Kind[]>([]);
  function show(kinds: Kind[]) {
    chosen.value = kinds;
    open.value = true;
  }
  return { open, chosen, show };
});
