import type { ProgressMessage } from '../../agent/api/image.ts';
import type { LayerPhase, LayerProgress, PullUpdate } from '../contract/model.ts';
import type { EngineClient } from '../engine/client.ts';
import { ApiError } from '../engine/errors.ts';
import { registryOf } from '../engine/reference.ts';
import { toAppError, HostError } from './failures.ts';
import { pause } from './signals.ts';

/** Milliseconds between updates to the window; and the span over which speed is measured. */
const UPDATE_INTERVAL = 100;
const SPEED_SPAN = 3_000;

/** Docker's words for a layer's phase (moby `pkg/progress`, `distribution/pull_v2.go`). */
const PHASES: Record<string, LayerPhase> = {
  'Pulling fs layer': 'waiting',
  Waiting: 'waiting',
  Downloading: 'downloading',
  Retrying: 'downloading',
  'Verifying Checksum': 'verifying',
  'Download complete': 'downloaded',
  Extracting: 'unpacking',
  'Pull complete': 'done',
  'Already exists': 'exists',
};

/** Adds up a pull's messages into the state of all layers. */
export class PullProgress {
  readonly #layers = new Map<string, LayerProgress>();
  /** bytes each layer has downloaded, which `current` no longer tells while it is unpacked */
  readonly #downloaded = new Map<string, number>();
  readonly #marks: { time: number; bytes: number }[] = [];
  #message = '';

  /** Throws what the engine reports as the pull's failure. */
  add(message: ProgressMessage): void {
    if (message.error !== undefined || message.errorDetail !== undefined)
      throw new ApiError(message.errorDetail?.code ?? 0, message.errorDetail?.message ?? message.error ?? '');
    const { id, status = '' } = message;
    const phase = PHASES[status] ?? (status.startsWith('Retrying in') ? 'downloading' : undefined);
    if (id === undefined || phase === undefined) {
      if (status) this.#message = id === undefined ? status : `${id}: ${status}`;
      return;
    }
    const before = this.#layers.get(id);
    const { current, total } = message.progressDetail ?? {};
    const layer: LayerProgress = { id, phase, current: current ?? 0, total: total ?? before?.total ?? 0 };
    if (phase === 'done' || phase === 'downloaded' || phase === 'exists' || phase === 'verifying')
      layer.current = layer.total;
    this.#layers.set(id, layer);
    if (phase === 'downloading') this.#downloaded.set(id, layer.current);
    else if (phase === 'downloaded' || phase === 'verifying')
      this.#downloaded.set(id, Math.max(layer.total, this.#downloaded.get(id) ?? 0));
  }

  /** The last line that was not a layer's. */
  get message(): string {
    return this.#message;
  }

  update(now: number): PullUpdate {
    let bytes = 0;
    for (const value of this.#downloaded.values()) bytes += value;
    this.#marks.push({ time: now, bytes });
    while (this.#marks.length > 2 && now - (this.#marks[0]?.time ?? now) > SPEED_SPAN) this.#marks.shift();
    const first = this.#marks[0];
    const span = first ? now - first.time : 0;
    const bytesPerSecond = first && span > 0 ? Math.max(0, Math.round(((bytes - first.bytes) * 1000) / span)) : 0;
    return { kind: 'progress', layers: [...this.#layers.values()], message: this.#message, bytesPerSecond };
  }
}

/** Pulls, telling of it about ten times a second. Ending the iteration, or `signal`, cancels the pull. */
export async function* pullImage(
  client: EngineClient,
  request: { reference: string; platform: string; auth: string },
  signal: AbortSignal,
): AsyncGenerator<PullUpdate> {
  const { reference } = request;
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const progress = new PullProgress();
  let failure: unknown;
  let fresh = false;
  const reading = (async () => {
    try {
      for await (const message of await client.pull(reference, request.platform, request.auth, both)) {
        progress.add(message);
        fresh = true;
      }
    } catch (error) {
      failure = error;
    }
    stop.abort();
  })();
  try {
    while (!both.aborted) {
      if (fresh) {
        fresh = false;
        yield progress.update(Date.now());
      }
      await pause(UPDATE_INTERVAL, both);
    }
    if (signal.aborted) return;
    await reading;
    if (failure !== undefined) throw pullFailure(failure, reference);
    yield progress.update(Date.now());
    const image = await client.inspectImage(reference);
    yield { kind: 'done', imageId: image.Id, message: progress.message.replace(/^Status: /, '') };
  } finally {
    stop.abort();
    await reading;
  }
}

/** The engine's message, with what to do about it where that can be told from it. */
function pullFailure(error: unknown, reference: string): HostError {
  const failure = toAppError(error, 'image');
  if (!(error instanceof ApiError)) return new HostError(failure);
  const text = failure.message;
  const rules: [RegExp, string, string][] = [
    [
      /invalid reference|invalid tag|must be lowercase/i,
      'invalid-parameter',
      'Write it as NAME, NAME:TAG or HOST:PORT/NAME:TAG, in lower case.',
    ],
    [
      /connection refused|no such host|i\/o timeout|dial tcp|no route/i,
      'registry-unreachable',
      `Check the registry's address in "${reference}", and that it is running.`,
    ],
    [
      /unauthorized|authentication required|no basic auth credentials|denied/i,
      'unauthorized',
      'Check the name, or sign in to the registry.',
    ],
    [
      /no matching manifest|does not match the .*platform/i,
      'other-architecture',
      'Choose a tag that is made for this machine, or another platform.',
    ],
    [/not found|manifest unknown|does not exist/i, 'not-found', 'Check the name and the tag.'],
  ];
  const rule = rules.find(([pattern]) => pattern.test(text));
  if (!rule) return new HostError({ ...failure, message: text });
  const signInTo = rule[1] === 'unauthorized' ? { signInTo: registryOf(reference) } : {};
  return new HostError({ code: rule[1], message: text, action: rule[2], field: 'image', ...signInTo });
}
