import { onMounted, onScopeDispose, ref, shallowRef, watch } from 'vue';
import type { AppError } from '../../electron/contract/model.ts';
import { asAppError } from '../app/errors.ts';

/**
 * Loads now, and again every `intervalMs` while the window is in sight, and at once when `what` changes: an answer to what was asked
 * for before is then dropped. A failure keeps what was loaded before.
 */
export function usePolled<T>(load: () => Promise<T>, intervalMs = 4_000, what?: () => unknown) {
  const data = shallowRef<T>();
  const error = ref<AppError>();
  let loading: symbol | undefined;
  async function refresh() {
    if (loading) return;
    const own = (loading = Symbol('load'));
    try {
      const loaded = await load();
      if (loading !== own) return;
      data.value = loaded;
      error.value = undefined;
    } catch (thrown) {
      if (loading === own) error.value = asAppError(thrown);
    } finally {
      if (loading === own) loading = undefined;
    }
  }
  if (what)
    watch(what, () => {
      loading = undefined;
      void refresh();
    });
  onMounted(refresh);
  const timer = setInterval(() => !document.hidden && void refresh(), intervalMs);
  onScopeDispose(() => clearInterval(timer));
  return { data, error, refresh };
}
