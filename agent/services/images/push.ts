import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { EngineError, notFound } from '../../api/errors.ts';
import { layerProgress } from '../../images/pull/progress.ts';
import { requestedReference } from '../../images/pull/pull-image.ts';
import { familiar, familiarName, fullName, fullReference, type Reference } from '../../images/reference/parse.ts';
import { RegistryError } from '../../images/registry/errors.ts';
import type { RegistrySession } from '../../images/registry/session.ts';
import { readBody } from '../../images/registry/transport.ts';
import { blobsOf } from '../../images/store/image-store.ts';
import type { ImageRecord } from '../../images/store/image-table.ts';
import type { PullRequest } from '../../images/types.ts';
import { compressLayers } from './compress.ts';
import type { ImageContext } from './context.ts';

const ACTIONS = ['pull', 'push'] as const;
/** milliseconds between two reports of progress */
const REPORT_EVERY = 100;

/** POST /images/NAME/push: one tag, or without tag all of the repository's. What is pushed is byte by byte what was pulled. */
export async function pushImage(context: ImageContext, request: PullRequest): Promise<void> {
  const { digest: _digest, ...reference } = requestedReference(request.image, request.tag);
  const names = namesToPush(context, reference);
  request.onProgress({ status: `The push refers to repository [${fullName(reference)}]` });
  try {
    await context.client.withSession(reference, { ...request, push: true }, async (session) => {
      for (const [name, image] of names) await pushOne(context, request, session, name, image);
    });
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'DENIED')
      throw new EngineError('forbidden', error.message, error);
    throw error;
  }
  context.events.emit('image', 'push', familiar(reference), { name: familiarName(reference) });
}

function namesToPush(context: ImageContext, reference: Reference): [Reference, ImageRecord][] {
  const { table } = context.store;
  if (reference.tag !== undefined) {
    const image = table.referenced(fullReference(reference));
    if (!image) throw notFound(`An image does not exist locally with the tag: ${familiarName(reference)}`);
    return [[reference, image]];
  }
  const found = [...table.visible()].flatMap((image) =>
    table
      .referencesOf(image.id)
      .filter((name) => name.digest === undefined && fullName(name) === fullName(reference))
      .map((name): [Reference, ImageRecord] => [name, image]),
  );
  if (found.length === 0) throw notFound(`An image does not exist locally with the tag: ${familiarName(reference)}`);
  return found;
}

async function pushOne(
  context: ImageContext,
  request: PullRequest,
  session: RegistrySession,
  reference: Reference,
  stored: ImageRecord,
): Promise<void> {
  const image = await compressLayers(context, stored, request.signal);
  const release = context.store.hold(blobsOf(image));
  try {
    const layers = new Map(image.layers.map(({ blob }) => [blob.digest, blob]));
    for (const digest of layers.keys()) layerProgress(request.onProgress, digest).say('Preparing');
    for (const { digest, size } of layers.values()) await pushBlob(context, request, session, digest, size);
    const config = context.store.table.configuration(image.id) && context.store.blobs.readSync(image.id);
    if (!(await hasBlob(session, image.id))) await upload(session, image.id, config);
    const manifest = context.store.blobs.readSync(image.manifest.digest);
    const response = await session.request(
      {
        method: 'PUT',
        path: `manifests/${reference.tag}`,
        headers: { 'Content-Type': image.manifest.mediaType },
        body: manifest,
        actions: ACTIONS,
      },
      [200, 201],
    );
    await readBody(response);
    const { digest, size } = image.manifest;
    await context.store.table.update((_images, references) =>
      references.set(`${fullName(reference)}@${digest}`, image.id),
    );
    request.onProgress({ status: `${reference.tag}: digest: ${digest} size: ${size}` });
    request.onProgress({ aux: { Tag: reference.tag, Digest: digest, Size: size } });
  } finally {
    release();
  }
}

async function hasBlob(session: RegistrySession, digest: string): Promise<boolean> {
  const response = await session.request({ method: 'HEAD', path: `blobs/${digest}`, actions: ACTIONS }, [200, 404]);
  response.body.resume();
  return response.status === 200;
}

async function pushBlob(
  context: ImageContext,
  request: PullRequest,
  session: RegistrySession,
  digest: string,
  size: number,
): Promise<void> {
  const progress = layerProgress(request.onProgress, digest);
  if (await hasBlob(session, digest)) return progress.say('Layer already exists');
  const path = context.store.blobs.path(digest);
  if ((await stat(path)).size !== size)
    throw new EngineError('system', `the blob ${digest} in the image store is damaged`);
  let sent = 0;
  let reported = 0;
  const body = createReadStream(path, { highWaterMark: 256 * 1024 }).pipe(new PassThrough());
  body.on('data', (chunk: Buffer) => {
    sent += chunk.length;
    if (Date.now() - reported < REPORT_EVERY && sent < size) return;
    reported = Date.now();
    progress.pushing(sent, size);
  });
  body.pause();
  await upload(session, digest, body, size);
  progress.say('Pushed');
}

/** In one piece: POST for a place, PUT with the content (distribution specification, "Pushing blobs"). */
async function upload(
  session: RegistrySession,
  digest: string,
  body: Uint8Array | NodeJS.ReadableStream,
  size?: number,
): Promise<void> {
  const started = await session.request(
    { method: 'POST', path: 'blobs/uploads/', headers: { 'Content-Length': '0' }, actions: ACTIONS },
    [202],
  );
  await readBody(started);
  const target = new URL(started.headers.location ?? '', started.url);
  target.searchParams.set('digest', digest);
  const length = body instanceof Uint8Array ? body.length : (size ?? 0);
  const stored = await session.request(
    {
      method: 'PUT',
      path: target.href,
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(length) },
      body,
      actions: ACTIONS,
    },
    [201],
  );
  await readBody(stored);
}
