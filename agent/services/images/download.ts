import type { ClientRequest, IncomingMessage } from 'node:http';
import { EngineError, invalid, systemError, type ErrorKind } from '../../api/errors.ts';
import type { ProgressMessage } from '../../api/image.ts';
import { progressBar } from '../../images/pull/progress.ts';

const MAX_REDIRECTS = 10;
/** what the engine answers where it was answered so (moby `GetWithStatusError`) */
const REFUSED: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid-parameter',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
};
/** milliseconds without an answer */
const PATIENCE = 60_000;
/** milliseconds between two reports */
const REPORT_EVERY = 100;

/** An archive from an URL ("http://" where it has no scheme), its progress said as it is read. */
export async function download(
  source: string,
  signal: AbortSignal,
  onProgress: (message: ProgressMessage) => void,
): Promise<AsyncIterable<Buffer>> {
  const text = source.includes('://') ? source : `http://${source}`;
  if (!URL.canParse(text)) throw invalid(`parse ${JSON.stringify(text)}: invalid URL`);
  const response = await open(new URL(text), signal);
  onProgress({ status: `Downloading from ${text}` });
  const total = Number(response.headers['content-length'] ?? -1);
  return reported(response, total, onProgress);
}

async function* reported(
  response: IncomingMessage,
  total: number,
  onProgress: (message: ProgressMessage) => void,
): AsyncGenerator<Buffer> {
  let current = 0;
  let said = 0;
  const say = () =>
    onProgress({
      status: 'Importing',
      progressDetail: { current, ...(total > 0 ? { total } : {}) },
      progress: progressBar(current, total),
    });
  for await (const chunk of response as AsyncIterable<Buffer>) {
    current += chunk.length;
    if (Date.now() - said >= REPORT_EVERY) {
      said = Date.now();
      say();
    }
    yield chunk;
  }
  if (!response.complete) throw systemError('unexpected EOF');
  say();
}

async function open(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    if (at.protocol !== 'http:' && at.protocol !== 'https:')
      throw systemError(
        `Get ${JSON.stringify(at.href)}: unsupported protocol scheme ${JSON.stringify(at.protocol.slice(0, -1))}`,
      );
    const response = await ask(at, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    response.resume();
    if (statusCode < 300 || statusCode >= 400 || headers.location === undefined)
      throw new EngineError(
        REFUSED[statusCode] ?? 'system',
        `failed to GET ${url.href} with status ${statusCode} ${response.statusMessage ?? ''}`.trim(),
      );
    at = new URL(headers.location, at);
  }
  throw systemError(`Get ${JSON.stringify(url.href)}: stopped after ${MAX_REDIRECTS} redirects`);
}

async function ask(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const { get } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Promise((done, fail) => {
    const request: ClientRequest = get(url, { signal, timeout: PATIENCE }, done);
    request.on('timeout', () => request.destroy(new Error('i/o timeout')));
    request.on('error', (error) =>
      fail(
        signal.aborted
          ? new EngineError('cancelled', 'context canceled')
          : systemError(`Get ${JSON.stringify(url.href)}: ${error.message}`, error),
      ),
    );
  });
}
