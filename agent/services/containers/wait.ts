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

/** True when the container has no process any more, false when `milliseconds` have passed before that. */
export function waitExit(live: Live, milliseconds: number | undefined): Promise<boolean> {
  if (live.record.state.Pid === 0) return Promise.resolve(true);
  return new Promise((done) => {
    const waiter: Waiter = {
      condition: 'next-exit',
      done: () => {
        clearTimeout(timer);
        done(true);
      },
    };
    live.waiters.add(waiter);
    const timer =
      milliseconds === undefined
        ? undefined
        : setTimeout(() => {
            live.waiters.delete(waiter);
            done(false);
          }, milliseconds);
  });
}
