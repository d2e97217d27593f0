import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProgressMessage } from '../../api/image.ts';
import { asIndex, dockerArchive, gzipped, ociArchive } from '../../testing/image-archives.ts';
import { openTestImages, type TestImages } from '../../testing/image-service.ts';
import { makeImage, makeTar, sha256, type TarEntry } from '../../testing/index.ts';

// Needs root for ownership and whiteouts, and xz.
const base: TarEntry[] = [
  { name: 'etc/', type: 'dir' },
  { name: 'etc/motd', content: 'one', uid: 5, gid: 6 },
];
const top: TarEntry[] = [
  { name: 'etc/.wh.motd', content: '' },
  { name: 'new', content: 'two' },
];
const plain = { compression: 'none' } as const;
const one = makeImage([base], plain);
const two = makeImage([base, top], plain);
const foreign = makeImage([base], { ...plain, architecture: 's390x' });
let service: TestImages;
beforeEach(async () => {
  service = await openTestImages();
});
afterEach(() => service.close());

async function* pieces(content: Uint8Array, size = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield Buffer.from(content.subarray(at, at + size));
}
async function load(archive: Uint8Array | TarEntry[], options: { platform?: string; quiet?: boolean } = {}) {
  const messages: ProgressMessage[] = [];
  const content = Array.isArray(archive) ? makeTar(archive) : archive;
  const onProgress = (message: ProgressMessage) => void messages.push(message);
  await service.images.load({
    body: pieces(content),
    quiet: true,
    signal: new AbortController().signal,
    onProgress,
    ...options,
  });
  return messages;
}
async function save(...names: string[]): Promise<Map<string, Buffer>> {
  const chunks: Buffer[] = [];
  await service.images.save({ names, signal: new AbortController().signal }, async (archive) => {
    for await (const chunk of archive) chunks.push(chunk);
  });
  const archive = Buffer.concat(chunks);
  const names_ = execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' }).split('\n').filter(Boolean);
  const content = (name: string) => execFileSync('tar', ['-xOf', '-', name], { input: archive, maxBuffer: 1e8 });
  return new Map([
    ['', archive],
    ...names_.filter((name) => !name.endsWith('/')).map((name) => [name, content(name)] as const),
  ]);
}
const list = async () =>
  (await service.images.list({ all: true, filters: new Map(), sharedSize: false })).map(({ Id, RepoTags }) => [
    Id,
    ...RepoTags,
  ]);
const below = (name: string) => {
  const path = join(service.root, 'images', name);
  return existsSync(path) ? readdirSync(path) : [];
};
/** Nothing of an image, half made or whole. */
const expectNothing = async () => {
  expect(await list()).toEqual([]);
  for (const name of ['staging', 'layers', 'l', 'ingest', 'blobs/sha256']) expect(below(name), name).toEqual([]);
};
const stream = (...lines: string[]) => lines.map((line) => ({ stream: `${line}\n` }));

describe('load', () => {
  it('takes what Docker wrote before it wrote OCI layouts', async () => {
    const archive = dockerArchive([{ image: two, names: ['a:1', 'host:5000/b:2'] }, { image: one }]);
    expect(await load(archive)).toEqual(
      stream('Loaded image: a:1', 'Loaded image: host:5000/b:2', `Loaded image ID: ${one.id}`),
    );
    expect((await list()).sort()).toEqual([[one.id], [two.id, 'a:1', 'host:5000/b:2']].sort());
    const [upper = '', lower = ''] = service.images.resolve('a:1').lowerdirs;
    expect(readFileSync(join(upper, 'new'), 'utf8')).toBe('two');
    expect(lstatSync(join(upper, 'etc/motd')).isCharacterDevice()).toBe(true);
    expect(lstatSync(join(lower, 'etc/motd'))).toMatchObject({ uid: 5, gid: 6 });
    expect(service.events).toEqual([`image load ${two.id}`, `image load ${one.id}`]);
    expect(below('staging')).toEqual([]);
  });

  it.each([
    ['gzip', gzipped],
    ['zstd', (entries: TarEntry[]) => zstdCompressSync(makeTar(entries))],
    ['xz', (entries: TarEntry[]) => execFileSync('xz', ['-c', '-1'], { input: makeTar(entries) })],
  ])('takes an archive compressed with %s', async (_name, compress) => {
    await load(compress(dockerArchive([{ image: two, names: ['a:1'] }])));
    expect(await list()).toEqual([[two.id, 'a:1']]);
  });

  it('takes an OCI layout, of an index what runs here, and keeps its manifest', async () => {
    const gzip = makeImage([base, top]);
    const annotations = { 'org.opencontainers.image.ref.name': 'docker.io/library/x:1' };
    await load(ociArchive([{ image: asIndex(foreign, gzip), annotations }]));
    expect(await list()).toEqual([[gzip.id, 'x:1']]);
    const saved = await save('x:1');
    expect(JSON.parse(saved.get('index.json')?.toString() ?? '')).toMatchObject({
      manifests: [{ digest: gzip.digest, annotations: { 'io.containerd.image.name': 'docker.io/library/x:1' } }],
    });
    // a tag alone, as skopeo writes it, names nothing
    const other = makeImage([top]);
    const tag = { 'org.opencontainers.image.ref.name': 'latest' };
    expect(await load(ociArchive([{ image: other, annotations: tag }]))).toEqual(
      stream(`Loaded image ID: ${other.id}`),
    );
  });

  it('takes the platform that is asked for', async () => {
    const archive = ociArchive([{ image: asIndex(foreign, one) }]);
    await load(archive, { platform: 'linux/s390x' });
    expect(await list()).toEqual([[foreign.id]]);
    await expect(load(archive, { platform: 'linux/arm64' })).rejects.toThrow('no image for the platform linux/arm64');
    await load(dockerArchive([{ image: one, names: ['a:1'] }]), { platform: 'linux/s390x' });
    expect(await list()).toEqual([[foreign.id]]);
  });

  it('takes a name from the image that had it', async () => {
    await load(dockerArchive([{ image: one, names: ['a:1'] }]));
    expect(await load(dockerArchive([{ image: two, names: ['a:1'] }]))).toEqual(
      stream(
        `The image a:1 already exists, renaming the old one with ID ${one.id} to empty string`,
        'Loaded image: a:1',
      ),
    );
    expect((await list()).sort()).toEqual([[one.id], [two.id, 'a:1']].sort());
  });

  it('says which layers it loads unless it shall be quiet, and none that is here', async () => {
    await load(dockerArchive([{ image: one }]));
    const said = await load(dockerArchive([{ image: two }]), { quiet: false });
    const id = two.diffIds[1]?.slice(7, 19);
    expect(said.filter(({ status }) => status === 'Loading layer').map((message) => message.id)).toEqual([id, id]);
    // a layer that is stored need not be in the archive
    await service.images.remove(two.id, { force: false, noprune: false });
    const without = dockerArchive([{ image: one, names: ['b:1'] }]).filter(({ name }) => !name.endsWith('layer.tar'));
    await load(without);
    expect(await list()).toEqual([[one.id, 'b:1']]);
  });

  const change = (name: string, content: string) =>
    dockerArchive([{ image: one, names: ['a:1'] }]).map((entry) =>
      entry.name.endsWith(name) ? { name: entry.name, content } : entry,
    );
  const garbage = Buffer.alloc(5000, 'no tar');
  it.each<[string, Uint8Array | TarEntry[], string]>([
    ['no archive', garbage, 'Error processing tar file(exit status 1): archive/tar: invalid tar header'],
    ['less than a header', Buffer.from('x'), 'Error processing tar file(exit status 1): unexpected EOF'],
    ['half an archive', makeTar(dockerArchive([{ image: one }])).subarray(0, 3000), 'unexpected EOF'],
    ['half a compressed one', gzipped(dockerArchive([{ image: one }])).subarray(0, 200), 'unexpected end of file'],
    ['an archive of something else', base, 'it has neither manifest.json nor index.json'],
    ['nothing', [], 'it has neither manifest.json nor index.json'],
    ['a manifest that is no JSON', change('manifest.json', '{'), 'manifest.json in the archive is not valid JSON'],
    [
      'a manifest of null',
      change('manifest.json', 'null'),
      'invalid manifest, manifest cannot be null (but can be [])',
    ],
    ['a manifest of the wrong shape', change('manifest.json', '[null]'), 'invalid manifest: Config is not a path'],
    ['a path outside', change('manifest.json', '[{"Config":"../../etc/passwd"}]'), 'no such file or directory'],
    ['a configuration that is none', change(`${one.id.slice(7)}.json`, '{}'), 'invalid image JSON, no RootFS key'],
    [
      'another system',
      change(`${one.id.slice(7)}.json`, '{"os":"windows","rootfs":{}}'),
      'cannot load windows image on linux',
    ],
    [
      'fewer layers than it says',
      change(`${one.id.slice(7)}.json`, '{"rootfs":{"diff_ids":[]}}'),
      'layers length mismatch: expected 1, got 0',
    ],
    [
      'another layer than it says',
      change('layer.tar', makeTar(top).toString('latin1')),
      `invalid diffID for layer 0: expected "${one.diffIds[0]}"`,
    ],
    [
      'a layer that is no archive',
      change('layer.tar', 'x'.repeat(2000)),
      'failed to register layer: archive/tar: invalid tar header',
    ],
    [
      'a layer that is not there',
      dockerArchive([{ image: one }]).filter(({ name }) => !name.endsWith('layer.tar')),
      'layer.tar: no such file or directory',
    ],
    ['a name without tag', dockerArchive([{ image: one, names: ['a'] }]), 'invalid tag "a"'],
    ['a name that is none', dockerArchive([{ image: one, names: ['A B:1'] }]), 'invalid reference format'],
    [
      'a good image and a bad one',
      dockerArchive([
        { image: one, names: ['a:1'] },
        { image: two, names: ['b'] },
      ]),
      'invalid tag "b"',
    ],
    [
      'blobs that are not what they are called',
      ociArchive([{ image: one }]).map((entry) =>
        entry.name.includes(one.digest.slice(7)) ? { ...entry, content: '{}' } : entry,
      ),
      'has not the digest',
    ],
    [
      'a layer that is not what it is called',
      ociArchive([{ image: one }]).map((entry) =>
        entry.name.includes(one.blobs[1]?.digest.slice(7) ?? '') ? { ...entry, content: makeTar(top) } : entry,
      ),
      'verification failed',
    ],
  ])('refuses %s and leaves nothing', async (_name, archive, message) => {
    await expect(load(archive)).rejects.toThrow(message);
    await expectNothing();
  });

  it('leaves nothing when it is given up', async () => {
    const abort = new AbortController();
    const archive = makeTar(dockerArchive([{ image: two, names: ['a:1'] }]));
    const body = (async function* () {
      yield archive.subarray(0, 2000);
      abort.abort();
      yield archive.subarray(2000);
    })();
    const request = { body, quiet: true, signal: abort.signal, onProgress: () => undefined };
    await expect(service.images.load(request)).rejects.toMatchObject({ kind: 'cancelled' });
    await expectNothing();
  });
});

describe('save', () => {
  it('writes an archive for Docker of every age, each blob once and what its name says', async () => {
    await load(
      dockerArchive([
        { image: one, names: ['a:1', 'a:2'] },
        { image: two, names: ['b:1'] },
      ]),
    );
    const saved = await save('a', 'b:1', one.id);
    for (const [name, content] of saved)
      if (name.startsWith('blobs/sha256/'))
        expect(sha256(content)).toBe(`sha256:${name.slice('blobs/sha256/'.length)}`);
    const json = (name: string) => JSON.parse(saved.get(name)?.toString() ?? 'null') as unknown;
    const path = (digest: string) => `blobs/sha256/${digest.slice(7)}`;
    expect(json('manifest.json')).toMatchObject([
      { Config: path(one.id), RepoTags: ['a:1', 'a:2'], Layers: one.diffIds.map(path) },
      { Config: path(two.id), RepoTags: ['b:1'], Layers: two.diffIds.map(path) },
    ]);
    const uppermost = (image: typeof one) => image.diffIds.at(-1)?.slice(7);
    expect(json('repositories')).toEqual({ a: { 1: uppermost(one), 2: uppermost(one) }, b: { 1: uppermost(two) } });
    expect(json('oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' });
    // two configurations, two manifests, two layers
    expect([...saved.keys()].filter((name) => name.startsWith('blobs/'))).toHaveLength(6);
    expect(service.events.slice(2)).toEqual([`image save ${one.id}`, `image save ${two.id}`]);
    // and back
    const before = (await list()).sort();
    for (const image of [two, one]) await service.images.remove(image.id, { force: true, noprune: false });
    await expectNothing();
    await load(saved.get('') as Buffer);
    expect((await list()).sort()).toEqual(before);
  });

  it('refuses before it sends anything', async () => {
    await load(
      dockerArchive([
        { image: one, names: ['a:1'] },
        { image: makeImage([]), names: ['empty:1'] },
      ]),
    );
    for (const [name, message] of [
      ['none', 'No such image: none'],
      ['none:1', 'reference does not exist'],
      [`sha256:${'0'.repeat(64)}`, `No such image: sha256:${'0'.repeat(64)}`],
      ['A B', 'invalid reference format'],
      ['empty:1', 'empty export - not implemented'],
    ] as const)
      await expect(save('a:1', name)).rejects.toThrow(message);
    const other = { names: ['a:1'], platform: 'linux/s390x', signal: new AbortController().signal };
    await expect(service.images.save(other, () => Promise.reject(new Error('sent')))).rejects.toThrow(
      'no suitable export target found for platform linux/s390x',
    );
  });
});

describe('import', () => {
  let server: Server;
  const rootfs = makeTar(base);
  beforeAll(async () => {
    server = createServer((req, res) => {
      if (req.url === '/moved') res.writeHead(302, { Location: '/rootfs.tar' }).end();
      else if (req.url === '/rootfs.tar') res.end(rootfs);
      else res.writeHead(404).end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  afterAll(() => new Promise((done) => server.close(done)));

  const run = async (
    source: Uint8Array | string,
    options: { repository?: string; tag?: string; changes?: string[]; platform?: string } = {},
  ) => {
    const messages: ProgressMessage[] = [];
    await service.images.import({
      source: typeof source === 'string' ? source : pieces(source),
      repository: '',
      tag: '',
      message: 'because',
      changes: [],
      signal: new AbortController().signal,
      onProgress: (message) => void messages.push(message),
      ...options,
    });
    return messages;
  };

  it('makes an image of one layer', async () => {
    const changes = ['CMD ["x"]', 'ENV A=1'];
    const [said] = await run(gzipped(base), { repository: 'imp', tag: '7', changes, platform: 'linux/arm64' });
    const image = await service.images.inspect('imp:7');
    expect(said).toEqual({ status: image.Id });
    expect(image).toMatchObject({
      Comment: 'because',
      Architecture: 'arm64',
      Config: { Cmd: ['x'], Env: ['A=1'] },
      RootFS: { Layers: [sha256(rootfs)] },
      Size: 3,
    });
    expect(await service.images.history('imp:7')).toMatchObject([{ Comment: 'because', Size: 3, Tags: ['imp:7'] }]);
    expect(service.events).toEqual([`image tag ${image.Id}`, `image import ${image.Id}`]);
  });

  it('fetches from an address, with or without scheme', async () => {
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [first, second] = await run(`${host}/moved`);
    expect(first).toEqual({ status: `Downloading from http://${host}/moved` });
    expect(second).toMatchObject({ status: 'Importing', progressDetail: { current: rootfs.length } });
    expect(await list()).toHaveLength(1);
    await expect(run(`http://${host}/none`)).rejects.toThrow(`failed to GET http://${host}/none with status 404`);
    await expect(run('127.0.0.1:1/x')).rejects.toThrow('Get "http://127.0.0.1:1/x": connect ECONNREFUSED');
    await expect(run('ftp://host/x')).rejects.toThrow('unsupported protocol scheme "ftp"');
  });

  it.each<[string, Uint8Array, object, string]>([
    ['no archive', Buffer.alloc(5000, 'no tar'), {}, 'archive/tar: invalid tar header'],
    ['half an archive', rootfs.subarray(0, 700), {}, 'unexpected EOF'],
    ['half a compressed one', gzipped(base).subarray(0, 50), {}, 'unexpected end of file'],
    ['a name that is none', rootfs, { repository: 'A B' }, 'invalid reference format'],
    ['a digest for a name', rootfs, { repository: `a@sha256:${'0'.repeat(64)}` }, 'cannot import digest reference'],
    ['a bad tag', rootfs, { repository: 'a', tag: '-' }, 'invalid tag format'],
    ['a change that is none', rootfs, { changes: ['RUN x'] }, 'RUN is not a valid change command'],
    ['another system', rootfs, { platform: 'windows/amd64' }, 'operating system is not supported'],
    ['an archive that leaves its place', makeTar([{ name: '../x', content: '' }]), {}, 'is outside of the layer'],
  ])('refuses %s and leaves nothing', async (_name, source, options, message) => {
    await expect(run(source, options)).rejects.toThrow(message);
    await expectNothing();
  });
});
