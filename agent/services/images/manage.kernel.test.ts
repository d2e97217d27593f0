import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestImages, type TestImages } from '../../testing/image-service.ts';
import { busyboxImage, pushImage, startRegistry, type TestRegistry } from '../../testing/index.ts';

// Needs docker-registry, and root for ownership.
const older = busyboxImage({ created: '2020-01-01T00:00:00Z', config: { Labels: { a: '1', b: '' } } });
const newer = busyboxImage({ layers: [[{ name: 'etc/motd', content: 'hello' }]] });
let registry: TestRegistry;
let service: TestImages;
let one: string;
let two: string;
beforeAll(async () => {
  registry = await startRegistry();
  one = await pushImage(registry.host, 'one', '1', older);
  two = await pushImage(registry.host, 'two', '1', newer);
});
afterAll(() => registry.stop());
beforeEach(async () => {
  service = await openTestImages();
  await service.pull(one);
  await service.pull(two);
  service.events.length = 0;
});
afterEach(() => service.close());

const list = async (filters: Record<string, string[]> = {}) =>
  (
    await service.images.list({
      all: false,
      filters: new Map(Object.entries(filters).map(([key, values]) => [key, new Set(values)])),
      sharedSize: true,
    })
  ).map(({ RepoTags, Id }) => RepoTags[0] ?? Id);
const remove = (name: string, force = false) => service.images.remove(name, { force, noprune: false });
const short = (id: string) => id.slice(7, 19);
const directories = () => readdirSync(join(service.root, 'images/layers')).length;
const container = (running: boolean) => [{ id: 'c'.repeat(64), name: 'web', running }];

describe('the list', () => {
  it('filters as Docker does, newest first', async () => {
    expect(await list()).toEqual([two, one]);
    expect(await list({ label: ['a=1'] })).toEqual([one]);
    expect(await list({ label: ['b', 'a'] })).toEqual([one]);
    expect(await list({ label: ['a=2'] })).toEqual([]);
    expect(await list({ before: [two] })).toEqual([one]);
    expect(await list({ since: [one] })).toEqual([two]);
    expect(await list({ until: ['2021-01-01'] })).toEqual([one]);
    expect(await list({ until: ['24h'] })).toEqual([two, one]);
    expect(await list({ reference: [`${registry.host}/o*`] })).toEqual([one]);
    expect(await list({ reference: ['*:1'] })).toEqual([]);
    expect(await list({ reference: ['*/*:1'] })).toEqual([two, one]);
    expect(await list({ dangling: ['true'] })).toEqual([]);
    await expect(list({ dangling: ['maybe'] })).rejects.toThrow("invalid filter 'dangling=[maybe]'");
    await expect(list({ before: ['none'] })).rejects.toThrow('No such image: none:latest');
  });

  it('tells shared bytes, and who uses an image', async () => {
    service.users.set(newer.id, container(true));
    const [first] = await service.images.list({ all: false, filters: new Map(), sharedSize: true });
    expect(first).toMatchObject({ Containers: 1, SharedSize: (first?.Size ?? 0) - 5 });
  });

  it('shows an image’s steps with the size of each', async () => {
    const steps = await service.images.history(two);
    expect(steps.map(({ Id, Size }) => [Id === newer.id, Size > 1_000_000, Size === 5])).toEqual([
      [true, false, false],
      [false, false, true],
      [false, true, false],
    ]);
    expect(steps[0]?.Tags).toEqual([two]);
    const inspected = await service.images.inspect(two);
    expect(inspected).toMatchObject({ Id: newer.id, RepoTags: [two], Os: 'linux', RootFS: { Layers: newer.diffIds } });
    expect(existsSync(inspected.GraphDriver.Data?.['UpperDir'] ?? '')).toBe(true);
    await expect(service.images.inspect('nothing')).rejects.toThrow('No such image: nothing:latest');
    await expect(service.images.inspect(`sha256:${'0'.repeat(64)}`)).rejects.toThrow(
      `No such image: sha256:${'0'.repeat(64)}`,
    );
    await expect(service.images.inspect('a b')).rejects.toThrow('invalid reference format');
  });
});

describe('removal', () => {
  it('by name takes the name, and with the last name the image and what only it had', async () => {
    await service.images.tag(two, 'again', '');
    expect(service.events).toEqual([`image tag ${newer.id}`]);
    expect(await remove('again')).toEqual([{ Untagged: 'again:latest' }]);
    const items = await remove(two);
    expect(items.slice(0, 3)).toEqual([
      { Untagged: two },
      { Untagged: `${registry.host}/two@${newer.digest}` },
      { Deleted: newer.id },
    ]);
    expect(items).toHaveLength(4);
    expect(service.events.slice(1)).toEqual([
      `image untag ${newer.id}`,
      `image untag ${newer.id}`,
      `image delete ${newer.id}`,
    ]);
    // the lower layer is the other image's too
    expect(directories()).toBe(1);
    expect(service.images.resolve(one).lowerdirs).toHaveLength(1);
    await remove(one);
    expect(directories()).toBe(0);
    expect(readdirSync(join(service.root, 'images/blobs/sha256'))).toEqual([]);
    expect(readdirSync(join(service.root, 'images/l'))).toEqual([]);
    await expect(remove(one)).rejects.toThrow(`No such image: ${one}`);
  });

  it('by id takes an image of one name, and of several only by force', async () => {
    await service.images.tag(one, 'other', 'x');
    await expect(remove(short(older.id))).rejects.toThrow(
      `conflict: unable to delete ${short(older.id)} (must be forced) - image is referenced in multiple repositories`,
    );
    expect(await list()).toHaveLength(2);
    await remove(short(older.id), true);
    expect(await list()).toEqual([two]);
    await remove(newer.id);
    expect(await list()).toEqual([]);
  });

  it('is refused while a container has the image', async () => {
    service.users.set(older.id, container(false));
    await expect(remove(one)).rejects.toMatchObject({
      kind: 'conflict',
      message: `conflict: unable to remove repository reference "${one}" (must force) - container cccccccccccc is using its referenced image ${short(older.id)}`,
    });
    await expect(remove(older.id)).rejects.toThrow(
      `conflict: unable to delete ${short(older.id)} (must be forced) - image is being used by stopped container cccccccccccc`,
    );
    service.users.set(older.id, container(true));
    await expect(remove(older.id, true)).rejects.toThrow(
      `conflict: unable to delete ${short(older.id)} (cannot be forced) - image is being used by running container cccccccccccc`,
    );
    expect(await list()).toEqual([two, one]);
    // by name, force takes the name and leaves the image
    expect(await remove(one, true)).toEqual([
      { Untagged: one },
      { Untagged: expect.stringContaining('/one@sha256:') as string },
    ]);
    expect(await list()).toEqual([two, older.id]);
  });

  it('by force leaves a stopped container what it needs until it goes', async () => {
    service.users.set(newer.id, container(false));
    await remove(two, true);
    expect(await list()).toEqual([one]);
    expect(() => service.images.resolve(newer.id)).toThrow('No such image');
    expect(service.images.byId(newer.id)?.lowerdirs.every((directory) => existsSync(directory))).toBe(true);
    await service.images.collect();
    expect(directories()).toBe(2);
    service.users.delete(newer.id);
    await service.images.collect();
    expect([directories(), service.images.byId(newer.id)]).toEqual([1, undefined]);
  });

  it('of all that is not used', async () => {
    await service.images.tag(one, two.replace(/:1$/, ''), '1');
    expect(await list({ dangling: ['true'] })).toEqual([newer.id]);
    const pruned = await service.images.prune(new Map());
    expect(pruned.ImagesDeleted).toContainEqual({ Deleted: newer.id });
    expect(pruned.SpaceReclaimed).toBe(5);
    service.users.set(older.id, container(false));
    expect(await service.images.prune(new Map([['dangling', new Set(['false'])]]))).toEqual({
      ImagesDeleted: null,
      SpaceReclaimed: 0,
    });
    service.users.clear();
    await service.images.prune(new Map([['dangling', new Set(['false'])]]));
    expect([await list(), directories()]).toEqual([[], 0]);
  });
});

describe('a store opened again', () => {
  it('has what it had', async () => {
    await service.images.close();
    const again = await openTestImages({ root: service.root });
    expect(again.images.resolve(one).id).toBe(older.id);
    expect(await again.images.history(two)).toHaveLength(3);
    expect(again.warnings).toEqual([]);
    await again.images.close();
  });

  it('clears what was half-made, mends what it can, and says what is broken', async () => {
    await service.images.close();
    const images = join(service.root, 'images');
    writeFileSync(join(images, 'staging/left'), 'x');
    writeFileSync(join(images, 'blobs/sha256/abc.tmp'), 'x');
    for (const link of readdirSync(join(images, 'l'))) rmSync(join(images, 'l', link));
    rmSync(join(images, 'layers', (older.diffIds[0] as string).slice(7), 'layer.json'));
    rmSync(join(images, 'layers', (newer.diffIds[1] as string).slice(7)), { recursive: true });
    const again = await openTestImages({ root: service.root });
    expect(readdirSync(join(images, 'staging'))).toEqual([]);
    expect(readdirSync(join(images, 'blobs/sha256'))).not.toContain('abc.tmp');
    expect(again.images.resolve(one).lowerdirs.every((directory) => existsSync(join(directory, 'bin/sh')))).toBe(true);
    expect(() => again.images.resolve(two)).toThrow('No such image');
    expect(again.warnings.join()).toContain('must be pulled again');
    expect(readdirSync(join(service.root, 'quarantine'))).toHaveLength(1);
    // its blobs are still there: nothing is fetched but the manifest
    await again.pull(two);
    expect(again.images.resolve(two).lowerdirs).toHaveLength(2);
    await again.images.close();
  });

  it('sets aside a table it cannot read, and makes it anew from what is stored', async () => {
    const before = await service.images.list({ all: true, filters: new Map(), sharedSize: false });
    await service.images.close();
    writeFileSync(join(service.root, 'images/images.json'), '{"schemaVersion":1,"images":');
    const again = await openTestImages({ root: service.root });
    // but for the digests of the registry, which only the table had
    const { RepoDigests: _none, ...known } = before[0] as (typeof before)[0];
    const after = await again.images.list({ all: true, filters: new Map(), sharedSize: false });
    expect(after).toHaveLength(before.length);
    expect(after).toContainEqual(expect.objectContaining({ ...known, Id: known.Id }));
    expect(again.images.resolve(one).lowerdirs.every((directory) => existsSync(join(directory, 'bin/sh')))).toBe(true);
    expect(again.warnings.join()).toContain('images record');
    await again.images.close();
  });
});
