import { request, type IncomingHttpHeaders } from 'node:http';
import type { TestImage } from './image.ts';

export interface PushOptions {
  username?: string;
  password?: string;
}
interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One request to a loopback registry; independent of the engine's own client, so that one does not hide the other's mistakes. */
export function registryRequest(
  method: string,
  url: string,
  options: PushOptions & { body?: Uint8Array; contentType?: string; accept?: string } = {},
): Promise<Answer> {
  return new Promise((done, fail) => {
    const headers: Record<string, string> = { 'Content-Length': String(options.body?.length ?? 0) };
    if (options.contentType) headers['Content-Type'] = options.contentType;
    if (options.accept) headers['Accept'] = options.accept;
    if (options.username !== undefined)
      headers['Authorization'] =
        `Basic ${Buffer.from(`${options.username}:${options.password ?? ''}`).toString('base64')}`;
    const sent = request(url, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        done({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
      response.on('error', fail);
    });
    sent.on('error', fail);
    sent.end(options.body);
  });
}

async function pushBlob(base: string, digest: string, content: Buffer, options: PushOptions): Promise<void> {
  if ((await registryRequest('HEAD', `${base}/blobs/${digest}`, options)).status === 200) return;
  const started = await registryRequest('POST', `${base}/blobs/uploads/`, options);
  if (started.status !== 202) throw new Error(`upload refused: ${started.status} ${started.body}`);
  const target = new URL(started.headers.location ?? '', base);
  target.searchParams.set('digest', digest);
  const stored = await registryRequest('PUT', target.href, {
    ...options,
    body: content,
    contentType: 'application/octet-stream',
  });
  if (stored.status !== 201) throw new Error(`blob ${digest} refused: ${stored.status} ${stored.body}`);
}

/**
 * Stores `image` (an index: with all its children) as `name:tag` in the registry at `host`. Resolves to "HOST/NAME:TAG".
 */
export async function pushImage(
  host: string,
  name: string,
  tag: string,
  image: TestImage,
  options: PushOptions = {},
): Promise<string> {
  const base = `http://${host}/v2/${name}`;
  for (const child of image.children) await pushImage(host, name, child.digest, child, options);
  for (const blob of image.blobs) await pushBlob(base, blob.digest, blob.content, options);
  const stored = await registryRequest('PUT', `${base}/manifests/${tag}`, {
    ...options,
    body: image.manifest,
    contentType: image.mediaType,
  });
  if (stored.status !== 201) throw new Error(`manifest ${name}:${tag} refused: ${stored.status} ${stored.body}`);
  return tag.startsWith('sha256:') ? `${host}/${name}@${tag}` : `${host}/${name}:${tag}`;
}
