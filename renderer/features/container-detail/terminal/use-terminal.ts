import { onScopeDispose, ref } from 'vue';
import type { AppError } from '../../../../electron/contract/model.ts';
import { useClient } from '../../../app/client.ts';
import { asAppError } from '../../../app/errors.ts';

export type TerminalState = 'idle' | 'opening' | 'open' | 'exited' | 'failed';
export interface TerminalRequest {
  id: string;
  command: string[];
  user: string;
  columns: number;
  rows: number;
}

/** One terminal session at a time: what it puts out goes to `output`; what is typed before it is ready is kept. */
export function useTerminal(output: (data: string) => void) {
  const client = useClient();
  const state = ref<TerminalState>('idle');
  const exitCode = ref<number | null>(null);
  const problem = ref<AppError>();
  let abort: AbortController | undefined;
  let session: string | undefined;
  let size: { columns: number; rows: number } | undefined;
  /** one write after the other: the host gives no order to calls made at once */
  let writing: Promise<unknown> = Promise.resolve();
  let pending = '';

  const flush = () => {
    writing = writing.then(async () => {
      const data = pending;
      pending = '';
      if (!data || !session) return;
      await client.terminals.write({ session, data }).catch(() => undefined);
    });
  };
  const resizeNow = () => {
    if (session && size) void client.terminals.resize({ session, ...size }).catch(() => undefined);
  };

  async function open(request: TerminalRequest) {
    close();
    const mine = (abort = new AbortController());
    state.value = 'opening';
    problem.value = undefined;
    exitCode.value = null;
    size = { columns: request.columns, rows: request.rows };
    try {
      for await (const update of await client.terminals.open(request, { signal: mine.signal })) {
        if (mine.signal.aborted) return;
        if (update.kind === 'session') {
          session = update.session;
          state.value = 'open';
          if (size.columns !== request.columns || size.rows !== request.rows) resizeNow();
          flush();
        } else if (update.kind === 'output') output(update.data);
        else exitCode.value = update.code;
      }
      if (!mine.signal.aborted) state.value = 'exited';
    } catch (error) {
      if (mine.signal.aborted) return;
      problem.value = asAppError(error);
      state.value = 'failed';
    } finally {
      if (abort === mine) session = undefined;
    }
  }
  function close() {
    abort?.abort();
    session = undefined;
    pending = '';
  }
  onScopeDispose(close);

  return {
    state,
    exitCode,
    problem,
    open,
    close,
    type: (data: string) => {
      if (state.value !== 'open' && state.value !== 'opening') return;
      pending += data;
      flush();
    },
    resize: (columns: number, rows: number) => {
      size = { columns, rows };
      resizeNow();
    },
  };
}
