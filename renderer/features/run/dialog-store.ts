import { defineStore } from 'pinia';
import { ref } from 'vue';

/** Opens the run dialog from anywhere, with an image filled in or not. */
export const useRunDialog = defineStore('run-dialog', () => {
  const open = ref(false);
  const image = ref('');
  function show(initial = '') {
    image.value = initial;
    open.value = true;
  }
  return { open, image, show };
});
