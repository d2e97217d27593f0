import type { RunUpdate } from '../contract/model.ts';
import type { RunRequest } from '../contract/run-request.ts';
import { toCreateRequest } from '../contract/create-request.ts';
import type { EngineClient } from '../engine/client.ts';
import { ApiError } from '../engine/errors.ts';
import { HostError, toAppError } from './failures.ts';
import { pullImage } from './pull.ts';

/** Which field an engine's refusal is about, told by its words (moby's and the runtimes'). The first that matches. */
const FIELDS: [RegExp, string][] = [
  [/container name|is already in use by container/i, 'name'],
  [/no such image|invalid reference/i, 'image'],
  [
    /port is already allocated|address already in use|invalid (host ?)?port|port binding|cannot assign requested address/i,
    'ports',
  ],
  [/bind source path|mount(s)? |volume name|invalid mount|mount path|duplicate mount/i, 'mounts'],
  [/unable to find (user|group)|no matching entries in passwd|no users found/i, 'user'],
  [/exec: |executable file not found|no command specified|permission denied: unknown/i, 'command'],
  [/working directory|chdir to cwd/i, 'workingDir'],
  [/memory/i, 'memory'],
  [/cpuset|requested cpus/i, 'cpuset'],
  [/nanocpus|range of cpus/i, 'cpus'],
  [/pids/i, 'pids'],
  [/network .* not found|network mode|joining network|container network/i, 'network'],
  [/capabilit/i, 'capAdd'],
  [/hostname/i, 'hostname'],
  [/restart policy|maximum retry count/i, 'restart'],
  [/environment variable/i, 'environment'],
];

/** The failure with the form's field it is about. */
function withField(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const field = FIELDS.find(([pattern]) => pattern.test(error.message))?.[1];
  return new HostError(toAppError(error, field));
}

/**
 * Pulls the image when it is not stored, creates the container, starts it. A container that was created but could not be started
 * is left for the user to see, as `docker run` leaves it, unless it was to be removed by itself.
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
  if (!(await isStored(client, request.image))) {
    const reference = request.image;
    yield* pullImage(client, { reference, platform: '', auth: await authFor(reference) }, signal);
    if (signal.aborted) return;
  }
  let id = '';
  try {
    const created = await client.createContainer(made.body, made.name);
    id = created.Id;
    yield { kind: 'created', id, warnings: created.Warnings ?? [] };
    await client.containerVerb(id, 'start');
  } catch (error) {
    if (id && request.autoRemove) await client.removeContainer(id, true, true).catch(() => undefined);
    throw withField(error);
  }
  yield { kind: 'started', id };
}

async function isStored(client: EngineClient, reference: string): Promise<boolean> {
  try {
    await client.inspectImage(reference);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw withField(error);
  }
}
