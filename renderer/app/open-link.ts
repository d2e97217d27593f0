import { toastError } from '../ui/toasts.ts';
import { useClient } from './client.ts';
import { asAppError } from './errors.ts';

/** A click on an outside link: the browser follows it by itself; in Electron the host hands it to the user's browser. */
export function openLink(event: Event, url: string): void {
  if (!navigator.userAgent.includes('Electron/')) return;
  event.preventDefault();
  useClient()
    .system.openExternal({ url })
    .catch((error: unknown) => toastError(`${url} was not opened`, asAppError(error)));
}
