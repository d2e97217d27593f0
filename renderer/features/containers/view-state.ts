import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { Sort } from '../../ui/index.ts';
import type { StateFilter } from './rules.ts';

/** How the list is shown; kept while the user looks at something else. */
export const useViewState = defineStore('containers-view', () => {
  const filter = ref<StateFilter>('all');
  const text = ref('');
  const sort = ref<Sort>({ key: 'state', descending: false });
  function clear() {
    filter.value = 'all';
    text.value = '';
  }
  return { filter, text, sort, clear };
});
