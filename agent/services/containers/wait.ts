import type { WaitCondition, WaitResponse } from '../../api/container.ts';
import type { Live, Waiter } from './live.ts';

/** POST /containers/{id}/wait. Resolves with undefined when the client went away. */
export function wait(live: Live, condition: WaitCondition, signal: AbortSignal): Promise<WaitResponse | undefined> {
  const { state } = live.record;
  if (condition === 'not-running' && !state.Running) return Promise.resolve(response(state.ExitCode, state.Error));
  return new Promise((done) => {
    const waiter: Waiter = {
      condition,
      done: ({ code, error }) => {
        signal.removeEventListener('abort', leave);
        done(response(code, error));
      },
    };
    const leave = () => {
      live.waiters.delete(waiter);
      done(undefined);
    };
    signal.addEventListener('abort', leave);
    live.waiters.add(waiter);
  });
}

const response = (code: number, error: string): WaitResponse => ({
  StatusCode: code,
  ...(error === '' ? {} : { Error: { Message: error } }),
});
