import { ref, watchEffect } from 'vue';
import { asAppError } from './errors.ts';
import { useClient } from './client.ts';
import { subscribe } from '../composables/subscribe.ts';
import { toastError } from '../ui/toasts.ts';

export type Theme = 'system' | 'light' | 'dark';

/** The theme as chosen; the host keeps it, this browser keeps a copy so that the first paint is right. */
export const theme = ref<Theme>('system');
const storageKey = 'berth.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = ref(dark.matches);
dark.addEventListener('change', () => (systemIsDark.value = dark.matches));

/** Puts the theme on the document, now and whenever it or the system's changes. */
export function applyStoredTheme(): void {
  const stored = localStorage.getItem(storageKey);
  if (stored === 'light' || stored === 'dark') theme.value = stored;
  watchEffect(() => {
    const shown = theme.value === 'system' ? (systemIsDark.value ? 'dark' : 'light') : theme.value;
    document.documentElement.dataset['theme'] = shown;
    localStorage.setItem(storageKey, theme.value);
  });
}

/** Follows what the host has stored (also when another window changes it). */
export function followTheme(): () => void {
  return subscribe(
    (signal) => useClient().settings.watch(undefined, { signal }),
    (settings) => (theme.value = settings.theme),
  );
}

export async function chooseTheme(chosen: Theme): Promise<void> {
  theme.value = chosen;
  try {
    await useClient().settings.set({ theme: chosen });
  } catch (error) {
    toastError('The theme was not saved', asAppError(error));
  }
}
