import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../images/media-types.ts';
import { openTestImages, type TestImages } from '../../testing/image-service.ts';
import {
  busyboxImage,
  makeImage,
  makeIndex,
  makeTar,
  pushImage,
  sha256,
  startRegistry,
  type TestRegistry,
} from '../../testing/index.ts';
import { startProxy } from '../../testing/registry-proxy.ts';

// Needs docker-registry, and root for ownership.
let registry: TestRegistry;
let service: TestImages;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry.stop());
beforeEach(async () => {
  service = await openTestImages();
});
afterEach(() => service.close());

const list = () => service.images.list({ all: false, filters: new Map(), sharedSize: false });
const statuses = (messages: { status?: string }[]) => messages.map(({ status }) => status);
/** An upper layer over busybox. */
const over = { layers: [[{ name: 'etc/motd', content: 'hello' }, { name: 'bin/.wh.acpid' }]] };

describe('a pull', () => {
  it('stores, unpacks and names the image, and says what Docker says', async () => {
    const image = busyboxImage(over);
    const name = await pushImage(registry.host, 'library/busybox', '1', image);
    const messages = await service.pull(name);
    const ids = image.blobs.slice(1).map(({ digest }) => digest.slice(7, 19));
    expect(messages[0]).toEqual({ status: 'Pulling from library/busybox', id: '1' });
    for (const id of ids) {
      const own = statuses(messages.filter((message) => message.id === id)).filter(
        (status) => status !== 'Downloading' && status !== 'Waiting',
      );
      expect(own).toEqual([
        'Pulling fs layer',
        'Verifying Checksum',
        'Download complete',
        'Extracting',
        'Pull complete',
      ]);
    }
    expect(statuses(messages).slice(-2)).toEqual([
      `Digest: ${image.digest}`,
      `Status: Downloaded newer image for ${name}`,
    ]);
    expect(service.events).toEqual([`image pull ${name}`]);

    const stored = service.images.resolve(name);
    expect(stored).toMatchObject({ id: image.id, os: 'linux', config: { Cmd: ['sh'] } });
    expect(readFileSync(join(stored.lowerdirs[0] as string, 'etc/motd'), 'utf8')).toBe('hello');
    expect(statSync(join(stored.lowerdirs[0] as string, 'bin/acpid')).isCharacterDevice()).toBe(true);
    expect(statSync(join(stored.lowerdirs[1] as string, 'bin/sh')).size).toBeGreaterThan(1_000_000);
    expect(await list()).toMatchObject([
      {
        Id: image.id,
        RepoTags: [name],
        RepoDigests: [`${registry.host}/library/busybox@${image.digest}`],
        Size: stored.size,
        Containers: 0,
      },
    ]);
    for (const reference of [
      image.id,
      image.id.slice(7),
      image.id.slice(7, 19),
      `${registry.host}/library/busybox@${image.digest}`,
    ])
      expect(service.images.resolve(reference).id).toBe(image.id);
  });

  it('leaves an OCI image layout that other tools can read', async () => {
    const image = busyboxImage(over);
    await service.pull(await pushImage(registry.host, 'layout', '1', image));
    const base = join(service.root, 'images');
    const blob = (digest: string) => readFileSync(join(base, 'blobs', ...(digest.split(':') as [string, string])));
    expect(JSON.parse(readFileSync(join(base, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
    const index = JSON.parse(readFileSync(join(base, 'index.json'), 'utf8'));
    expect(index.manifests[0].annotations['org.opencontainers.image.ref.name']).toBe(`${registry.host}/layout:1`);
    expect(sha256(blob(index.manifests[0].digest))).toBe(image.digest);
    for (const { digest } of image.blobs) expect(sha256(blob(digest))).toBe(digest);
  });

  it.each([
    ['zstd', 'oci'],
    ['none', 'oci'],
    ['gzip', 'docker'],
    ['none', 'docker'],
  ] as const)('reads %s layers with %s media types', async (compression, mediaTypes) => {
    const image = busyboxImage({ compression, mediaTypes });
    await service.pull(await pushImage(registry.host, `kinds/${compression}-${mediaTypes}`, '1', image));
    expect((await list())[0]?.Id).toBe(image.id);
  });

  it('chooses this machine’s platform of an index, or the one asked for, and says when there is none', async () => {
    const [own, other] = [busyboxImage(), busyboxImage({ architecture: 's390x' })];
    const name = await pushImage(registry.host, 'multi', '1', makeIndex([other, own], 'docker'));
    await service.pull(name);
    expect(service.images.resolve(name).id).toBe(own.id);
    await service.pull(name, { platform: 'linux/s390x' });
    expect(service.images.resolve(name).id).toBe(other.id);
    await expect(service.pull(name, { platform: 'linux/riscv64' })).rejects.toThrow(
      'no matching manifest for linux/riscv64 in the manifest list entries',
    );
  });

  it('refuses a single image that this machine cannot run, unless it is asked for', async () => {
    const name = await pushImage(registry.host, 'foreign', '1', busyboxImage({ architecture: 's390x' }));
    await expect(service.pull(name)).rejects.toThrow(
      `image with reference ${name} was found but does not match the host's platform: wanted linux/${process.arch === 'x64' ? 'amd64' : process.arch}, actual: linux/s390x`,
    );
    expect(await list()).toEqual([]);
    await service.pull(name, { platform: 'linux/s390x' });
    expect(await list()).toHaveLength(1);
  });

  it('knows when there is nothing new, and keeps the old image when a tag has moved', async () => {
    const [first, second] = [busyboxImage(), busyboxImage(over)];
    const name = await pushImage(registry.host, 'moving', 'latest', first);
    await service.pull(name);
    expect(statuses(await service.pull(name))).toEqual([
      'Pulling from moving',
      `Digest: ${first.digest}`,
      `Status: Image is up to date for ${name}`,
    ]);
    await pushImage(registry.host, 'moving', 'latest', second);
    const messages = await service.pull(name);
    expect(statuses(messages)).toContain('Already exists');
    expect(statuses(messages).at(-1)).toBe(`Status: Downloaded newer image for ${name}`);
    expect(new Map((await list()).map(({ Id, RepoTags }) => [Id, RepoTags]))).toEqual(
      new Map([
        [first.id, []],
        [second.id, [name]],
      ]),
    );
  });

  it('by digest, and of all tags', async () => {
    const image = busyboxImage();
    for (const tag of ['1', '2']) await pushImage(registry.host, 'tags', tag, image);
    await service.pull(`${registry.host}/tags`, { tag: image.digest });
    expect(await list()).toMatchObject([{ RepoTags: [], RepoDigests: [`${registry.host}/tags@${image.digest}`] }]);
    await service.pull(`${registry.host}/tags`);
    expect((await list())[0]?.RepoTags).toEqual([`${registry.host}/tags:1`, `${registry.host}/tags:2`]);
  });

  it('stacks a layer that an image has twice once', async () => {
    const twice = makeTar([{ name: 'a', content: 'a' }]);
    const image = makeImage([twice, makeTar([{ name: 'a', content: 'b' }]), twice]);
    const name = await pushImage(registry.host, 'twice', '1', image);
    await service.pull(name);
    const { lowerdirs } = service.images.resolve(name);
    expect(lowerdirs.map((directory) => readFileSync(join(directory, 'a'), 'utf8'))).toEqual(['a', 'b']);
  });

  it('goes through a mirror for names of the Hub', async () => {
    const image = busyboxImage();
    await pushImage(registry.host, 'library/busybox', 'mirrored', image);
    const mirrored = await openTestImages({
      config: { registryMirrors: ['http://127.0.0.1:1', `http://${registry.host}`] },
    });
    try {
      expect(statuses(await mirrored.pull('busybox:mirrored')).at(-1)).toBe(
        'Status: Downloaded newer image for busybox:mirrored',
      );
      expect(mirrored.images.resolve('busybox:mirrored').id).toBe(image.id);
    } finally {
      await mirrored.close();
    }
  });
});

describe('a pull that fails', () => {
  it.each([
    ['nothing/here:1', 'not-found', /^manifest for .*nothing\/here:1 not found: manifest unknown: manifest unknown$/],
    ['UPPER', 'invalid-parameter', /^invalid reference format: repository name \(UPPER\) must be lowercase$/],
  ])('%s', async (name, kind, message) => {
    await expect(service.pull(`${registry.host}/${name}`)).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(message),
    });
  });

  it('says when nobody answers', async () => {
    await expect(service.pull('127.0.0.1:1/x:1')).rejects.toThrow(
      'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    );
  });

  it('refuses what is no image, and manifests that do not fit their configuration', async () => {
    const image = busyboxImage();
    const withManifest = (change: (manifest: Manifest) => void) => {
      const manifest = JSON.parse(image.manifest.toString()) as Manifest;
      change(manifest);
      const content = Buffer.from(JSON.stringify(manifest));
      return { ...image, manifest: content, digest: sha256(content) };
    };
    const chart = withManifest((manifest) => (manifest.config.mediaType = 'application/vnd.cncf.helm.config.v1+json'));
    await expect(service.pull(await pushImage(registry.host, 'bad', 'chart', chart))).rejects.toThrow(
      'is not an image configuration',
    );
    const fewer = withManifest((manifest) => (manifest.layers = []));
    await expect(service.pull(await pushImage(registry.host, 'bad', 'fewer', fewer))).rejects.toThrow(
      "layers from manifest don't match image configuration",
    );
    expect(await list()).toEqual([]);
    expect(readdirSync(join(service.root, 'images/layers'))).toEqual([]);
  });

  it('never shows a blob that is not what its digest says', async () => {
    const image = busyboxImage();
    await pushImage(registry.host, 'damaged', '1', image);
    const proxy = await startProxy(registry.host, {
      change: (request, piece) =>
        request.url.includes(image.blobs[1]?.digest ?? '-') ? Buffer.from(piece.map((byte) => byte ^ 1)) : piece,
    });
    try {
      const name = `${proxy.host}/damaged:1`;
      await expect(service.pull(name)).rejects.toThrow(
        `filesystem layer verification failed for digest ${image.blobs[1]?.digest}`,
      );
      for (const place of ['layers', 'staging', 'ingest'])
        expect(readdirSync(join(service.root, 'images', place))).toEqual([]);
      proxy.options = {};
      await service.pull(name);
      expect(await list()).toHaveLength(1);
    } finally {
      await proxy.stop();
    }
  });
});
