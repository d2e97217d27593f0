import { onScopeDispose, ref, watch } from 'vue';
import type { Ref } from 'vue';
import type { AppError, ContainerRow } from '../../../../electron/contract/model.ts';
import { useClient } from '../../../app/client.ts';
import { asAppError } from '../../../app/errors.ts';
import { createLogModel } from '../../../ui/log-view/log-model.ts';
import { LogFeed } from './log-feed.ts';

/** Milliseconds until the log of a container that is between two starts is looked at again. */
const betweenStarts = 2_000;

export type FeedState = 'loading' | 'live' | 'ended' | 'failed';

/** The log of one container: loaded once, followed while it runs, taken up again when it starts again or the engine comes back. */
export function useLogs(id: string, container: Ref<ContainerRow | undefined>) {
  /** how far back, in milliseconds; 0: everything there is */
  const span = ref(0);
  const client = useClient();
  const model = createLogModel();
  const feed = new LogFeed(model);
  const state = ref<FeedState>('loading');
  const problem = ref<AppError>();
  let abort: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  let since = 0;

  const open = async () => {
    clearTimeout(timer);
    abort?.abort();
    const mine = (abort = new AbortController());
    state.value = 'loading';
    try {
      const request = { id, follow: true, tail: feed.begin(), since };
      const stream = await client.containers.logs(request, { signal: mine.signal });
      for await (const batch of stream) {
        if (mine.signal.aborted) return;
        attempt = 0;
        problem.value = undefined;
        feed.take(batch);
        if (feed.gap) {
          feed.restart();
          void open();
          return;
        }
        if (batch.kind === 'caughtUp') state.value = 'live';
        if (batch.kind === 'end') break;
      }
      if (mine.signal.aborted) return;
      state.value = 'ended';
      // a container that still runs has been cut off from us: the engine went away, or restarted it
      if (container.value?.state === 'running') retry();
      // it may run and end again so fast that the list never shows it running
      else if (container.value?.state === 'restarting') timer = setTimeout(open, betweenStarts);
    } catch (error) {
      if (mine.signal.aborted) return;
      problem.value = asAppError(error);
      state.value = 'failed';
      retry();
    }
  };
  const retry = () => {
    timer = setTimeout(open, Math.min(500 * 2 ** attempt++, 5_000));
  };
  watch(
    () => container.value?.state,
    (now, before) => {
      const again = (now === 'running' && before !== 'paused') || (now === 'exited' && before === 'restarting');
      if (again && (state.value === 'ended' || state.value === 'failed')) void open();
    },
  );
  watch(span, (ms) => {
    since = ms > 0 ? Date.now() - ms : 0;
    feed.restart();
    void open();
  });
  void open();
  onScopeDispose(() => {
    clearTimeout(timer);
    abort?.abort();
    model.dispose();
  });
  return { model, state, problem, span, retryNow: open };
}
