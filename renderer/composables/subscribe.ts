import { onScopeDispose } from 'vue';
import type { AppError } from '../../electron/contract/model.ts';
import { asAppError } from '../app/errors.ts';

export interface SubscribeOptions {
  /** called on every failure; `attempt` counts failures since the last value */
  onError?: (error: AppError, attempt: number) => void;
  /** called before each opening, the first included */
  onOpen?: () => void;
}

/** Opens a stream and never lets it rest: when it ends or fails it is opened again (after 0.3 to 5 seconds). Returns what stops it. */
export function subscribe<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  onValue: (value: T) => void,
  options: SubscribeOptions = {},
): () => void {
  const abort = new AbortController();
  void follow(open, onValue, options, abort.signal);
  return () => abort.abort();
}

/** The same, for as long as the component or store that asks lives. */
export function useSubscription<T>(...args: Parameters<typeof subscribe<T>>): () => void {
  const stop = subscribe(...args);
  onScopeDispose(stop);
  return stop;
}

async function follow<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  onValue: (value: T) => void,
  options: SubscribeOptions,
  signal: AbortSignal,
): Promise<void> {
  let attempt = 0;
  while (!signal.aborted) {
    try {
      options.onOpen?.();
      for await (const value of await open(signal)) {
        if (signal.aborted) return;
        attempt = 0;
        onValue(value);
      }
    } catch (error) {
      if (signal.aborted) return;
      options.onError?.(asAppError(error), attempt);
    }
    await pause(Math.min(300 * 2 ** attempt++, 5_000), signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
