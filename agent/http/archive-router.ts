import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { invalid } from '../api/errors.ts';
import type { ArchiveBackend } from '../services/archive/create.ts';
import { boolValue } from './query.ts';
import { empty, json, stream, type RequestContext, type Router, type StreamSink } from './router.ts';

const PATH_STAT = 'X-Docker-Container-Path-Stat';

/** docker cp, export and diff. */
export function addArchiveRoutes(router: Router, archive: ArchiveBackend): void {
  router.head('/containers/{id}/archive', async (ctx) =>
    empty(200, { [PATH_STAT]: encode(await archive.stat(id(ctx), pathOf(ctx))) }),
  );
  router.get('/containers/{id}/archive', async (ctx) => getArchive(ctx, archive));
  router.put('/containers/{id}/archive', async (ctx) => {
    await archive.write(id(ctx), pathOf(ctx), ctx.req, {
      noOverwriteDirNonDir: boolValue(ctx.query, 'noOverwriteDirNonDir'),
      copyUidGid: boolValue(ctx.query, 'copyUIDGID'),
    });
    return empty(200);
  });
  router.get('/containers/{id}/export', (ctx) =>
    stream('application/octet-stream', (sink) => archive.export(id(ctx), sink.signal, (chunks) => send(sink, chunks))),
  );
  router.get('/containers/{id}/changes', async (ctx) => {
    const changes = await archive.changes(id(ctx));
    return json(changes.length > 0 ? changes : null);
  });
}

const id = (ctx: RequestContext) => ctx.params['id'] ?? '';
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');

function pathOf({ query }: RequestContext): string {
  const path = query.get('path') ?? '';
  // The missing space is Docker's.
  if (path === '') throw invalid('bad parameter: pathcannot be empty');
  if (path.includes('\0')) throw invalid('invalid path: it contains a NUL byte');
  return path;
}

/** The headers tell what the path is, so it is looked at before the stream starts, and again when it does. */
async function getArchive(ctx: RequestContext, archive: ArchiveBackend) {
  const path = pathOf(ctx);
  const stat = await archive.stat(id(ctx), path);
  const gzip = /\bgzip\b/.test(String(ctx.req.headers['accept-encoding'] ?? ''));
  return stream(
    'application/x-tar',
    (sink) =>
      archive.read(id(ctx), path, sink.signal, (_stat, chunks) =>
        gzip ? pipeline(Readable.from(chunks), createGzip({ level: 1 }), sink.writable) : send(sink, chunks),
      ),
    { [PATH_STAT]: encode(stat), ...(gzip && { 'Content-Encoding': 'gzip' }) },
  );
}

async function send(sink: StreamSink, chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of chunks) await sink.write(chunk);
}
