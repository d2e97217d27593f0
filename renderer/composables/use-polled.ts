import { onMounted, onScopeDispose, ref, shallowRef } from 'vue';
import type { AppError } from '../../electron/contract/model.ts';
import { asAppError } from '../app/errors.ts';

/** Loads now, and again every `intervalMs` while the window is in sight. A failure keeps what was loaded before. */
export function usePolled<T>(load: () => Promise<T>, intervalMs = 4_000) {
  const data = shallowRef<T>();
  const error = ref<AppError>();
  let loading = false;
  async function refresh() {
    if (loading) return;
    loading = true;
    try {
      data.value = await load();
      error.value = undefined;
    } catch (thrown) {
      error.value = asAppError(thrown);
    } finally {
      loading = false;
    }
  }
  onMounted(refresh);
  const timer = setInterval(() => !document.hidden && void refresh(), intervalMs);
  onScopeDispose(() => clearInterval(timer));
  return { data, error, refresh };
}
