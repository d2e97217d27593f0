import type { RunUpdate } from '../contract/model.ts';
import type { RunRequest } from '../contract/run-request.ts';
import { toCreateRequest } from '../contract/create-request.ts';
import type { EngineClient } from '../engine/client.ts';
import { ApiError } from '../engine/errors.ts';
import { proxyVariables, withProxies } from './docker-proxies.ts';
import { failedField } from './failed-field.ts';
import { HostError, toAppError } from './failures.ts';
import { pullImage } from './pull.ts';

/** The failure with the form's field it is about. */
function withField(error: unknown, request: RunRequest): unknown {
  if (!(error instanceof ApiError)) return error;
  return new HostError(toAppError(error, failedField(error.message, request)));
}

/**
 * Pulls the image when it is not stored, creates the container, starts it. A container that could not be started is removed again: it
 * never ran, whoever asked still has all that was asked for, and its name is free for the next try.
 */
export async function* runContainer(
  client: EngineClient,
  request: RunRequest,
  authFor: (reference: string) => Promise<string>,
  signal: AbortSignal,
): AsyncGenerator<RunUpdate> {
  const made = toCreateRequest(request);
  if (!made.ok)
    throw new HostError({
      code: 'invalid-input',
      message: made.errors[0]?.message ?? '',
      field: made.errors[0]?.field ?? '',
    });
  if (!(await isStored(client, request))) {
    const reference = request.image;
    yield* pullImage(client, { reference, platform: '', auth: await authFor(reference) }, signal);
    if (signal.aborted) return;
  }
  let id = '';
  let started = false;
  try {
    const proxies = await proxyVariables(client.address);
    const body = proxies.length === 0 ? made.body : { ...made.body, Env: withProxies(made.body.Env ?? [], proxies) };
    const created = await client.createContainer(body, made.name);
    id = created.Id;
    yield { kind: 'created', id, warnings: created.Warnings ?? [] };
    await client.containerVerb(id, 'start');
    started = true;
  } catch (error) {
    throw withField(error, request);
  } finally {
    // also when whoever reads this stops after "created"
    if (id && !started) await discard(client, id);
  }
  yield { kind: 'started', id };
}

/** Removes what never ran; a container that did run (its process ended at once) stays, with its log. */
async function discard(client: EngineClient, id: string): Promise<void> {
  try {
    const { State } = await client.inspectContainer(id);
    if (State.Status === 'created') await client.removeContainer(id, true, true);
  } catch {
    // the engine is away, or removed it itself: what failed first is what is told
  }
}

async function isStored(client: EngineClient, request: RunRequest): Promise<boolean> {
  try {
    await client.inspectImage(request.image);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw withField(error, request);
  }
}
