import { errorWords } from '../api/error-words.ts';
import type { ProgressMessage } from '../api/image.ts';
import { stream, type Reply, type RequestContext } from './router.ts';

export interface Progress {
  signal: AbortSignal;
  onProgress: (message: ProgressMessage) => void;
}

/**
 * A stream of progress lines. A failure before the first line is an ordinary error answer, unless `always` makes it a line too; after it
 * the status has gone out, so the failure is a line of its own.
 */
export function progressStream(
  ctx: RequestContext,
  work: (progress: Progress) => Promise<void>,
  { always = false } = {},
): Reply {
  return stream('application/json', async (sink) => {
    let started = always;
    let written: Promise<void> = Promise.resolve();
    const onProgress = (message: ProgressMessage) => {
      started = true;
      written = sink.line(message).catch(() => undefined);
    };
    try {
      await work({ signal: ctx.signal, onProgress });
    } catch (error) {
      if (!started || ctx.signal.aborted) throw error;
      const message = errorWords(error);
      onProgress({ errorDetail: { message }, error: message });
    }
    await written;
  });
}
