import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerInspect } from './api/container.ts';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
let second: string;
beforeAll(async () => {
  fixture = await dockerFixture();
  const { ok, image } = fixture;
  second = await fixture.imageWith('second', { Labels: { second: 'yes' } });
  await ok('network', 'create', '--subnet', '10.247.5.0/24', 'side');
  await ok('run', '-d', '--name', 'good', '-v', 'kept:/data', image, 'sh', '-c', 'echo kept > /data/file; sleep 600');
}, 60_000);
afterAll(() => fixture?.close(), 60_000);

const inspect = async (name: string) =>
  (await fixture.engine.request('GET', `/containers/${name}/json`)).body as ContainerInspect;
const idOf = async (name: string) => (await inspect(name)).Id;
const warnings = async () =>
  ((await fixture.engine.request('GET', '/info')).body as { Warnings: string[] | null }).Warnings ?? [];
const quarantined = () => {
  const directory = join(fixture.engine.root, 'quarantine');
  return existsSync(directory) ? readdirSync(directory) : [];
};

/** Damages a file while there is no engine. Gives what the next one says about it, and what it has put aside. */
async function damage(path: string, content = '{"schemaVersion":1,"na'): Promise<{ said: string; aside: string[] }> {
  const { engine } = fixture;
  const before = quarantined();
  await engine.kill();
  expect(existsSync(path)).toBe(true);
  writeFileSync(path, content);
  await engine.start();
  return { said: (await warnings()).join('\n'), aside: quarantined().filter((name) => !before.includes(name)) };
}

/** The rest is served: what was there runs, and can be worked with. */
async function expectTheRest(): Promise<void> {
  const { ok, image } = fixture;
  expect((await inspect('good')).State.Status).toBe('running');
  expect(await ok('exec', 'good', 'cat', '/data/file')).toBe('kept');
  expect((await ok('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n')).toContain(image);
  expect(await ok('run', '--rm', image, 'echo', 'runs')).toBe('runs');
}

describe('a record that cannot be read is put aside and reported, and the rest is served:', () => {
  it('of a container', async () => {
    const { ok, docker, engine, image } = fixture;
    await ok('create', '--name', 'hurt', '-v', 'kept:/data', image, 'true');
    const id = await idOf('hurt');
    const { said, aside } = await damage(join(engine.root, 'containers', id, 'record.json'));
    expect(said).toContain(`The files of container ${id} were moved`);
    expect(aside).toHaveLength(2);
    expect((await docker(['inspect', id])).code).toBe(1);
    await expectTheRest();
    await ok('create', '--name', 'hurt', image, 'true');
    await ok('rm', 'hurt');
  });

  it('of a container that runs, which is ended', async () => {
    const { ok, engine, image } = fixture;
    const options = ['--name', 'hurt', '--network', 'side', '--ip', '10.247.5.9', '-p', '127.0.0.1:47931:80'];
    await ok('run', '-d', ...options, image, 'sh', '-c', 'echo mine > /mine; sleep 600');
    const { Id: id, State } = await inspect('hurt');
    await eventually(
      async () => Promise.resolve(existsSync(join(engine.root, 'containers', id, 'overlay/upper/mine'))),
      (there) => there,
      'the file',
    );
    const { said, aside } = await damage(join(engine.root, 'containers', id, 'record.json'));
    expect(said).toContain(`Container ${id}, which ran without a readable record, was ended.`);
    const files = aside.find((name) => name.startsWith('container-') && name.endsWith(id)) as string;
    expect(readFileSync(join(engine.root, 'quarantine', files, 'overlay/upper/mine'), 'utf8')).toBe('mine\n');
    expect(existsSync(`/proc/${State.Pid}`)).toBe(false);
    const mounts = readFileSync(`/proc/${engine.pid}/mountinfo`, 'utf8');
    expect(mounts.split('\n').filter((line) => line.includes(id))).toEqual([]);
    // its name, address and port are free
    await ok('run', '-d', ...options, image, 'sleep', '600');
    await ok('rm', '-f', 'hurt');
    await expectTheRest();
  });

  it('of the images, which are found again by what is stored', async () => {
    const { ok, engine, image } = fixture;
    await ok('create', '--name', 'user', second, 'true');
    const listed = async () =>
      (await ok('images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}')).split('\n').sort();
    const before = await listed();
    const { said, aside } = await damage(join(engine.root, 'images/images.json'));
    expect(said).toContain('The images record');
    expect(said).toContain('2 found');
    expect(aside).toHaveLength(1);
    expect(await listed()).toEqual(before);
    await ok('start', '-a', 'user');
    await ok('rm', 'user');
    await expectTheRest();
    await ok('pull', '-q', image);
  });

  it('of a layer, which is made anew', async () => {
    const { ok, engine } = fixture;
    const layers = join(engine.root, 'images/layers');
    const size = await ok('images', '--format', '{{.Size}}', second);
    for (const [count, name] of readdirSync(layers).entries()) {
      const { said, aside } = await damage(join(layers, name, 'layer.json'));
      expect(said).toContain(`The record of the layer ${join(layers, name)} could not be read`);
      expect(aside, String(count)).toHaveLength(1);
    }
    expect(await ok('images', '--format', '{{.Size}}', second)).toBe(size);
    await ok('run', '--rm', second, 'true');
    await expectTheRest();
  });

  it('of an image, which has to be pulled again', async () => {
    const { ok, docker, engine } = fixture;
    const id = (await ok('images', '--no-trunc', '-q', second)).replace('sha256:', '');
    const { said, aside } = await damage(join(engine.root, 'images/blobs/sha256', id));
    expect(said).toMatch(/image [0-9a-f]{12} .*pulled again/);
    expect(aside).not.toHaveLength(0);
    expect((await docker(['inspect', '--type', 'image', second])).code).toBe(1);
    await ok('images', '--filter', 'label=second');
    await ok('run', '--rm', '--pull', 'always', second, 'true');
    expect(await ok('images', '-q', '--filter', 'label=second=yes')).not.toBe('');
    await expectTheRest();
  });

  it('of a network', async () => {
    const { ok, docker, engine, image } = fixture;
    await ok('create', '--name', 'user', '--network', 'side', image, 'true');
    const id = await ok('network', 'inspect', '-f', '{{.Id}}', 'side');
    const { said, aside } = await damage(join(engine.root, 'networks', `${id}.json`));
    expect(said).toContain('The network record');
    expect(aside).toHaveLength(1);
    expect((await docker(['start', 'user'])).stderr).toContain('network side not found');
    await expectTheRest();
    await ok('network', 'create', '--subnet', '10.247.5.0/24', 'side');
    await ok('start', '-a', 'user');
    await ok('rm', 'user');
  });

  it('of the default network', async () => {
    const { ok, engine, image } = fixture;
    const id = await ok('network', 'inspect', '-f', '{{.Id}}', 'bridge');
    const { said } = await damage(join(engine.root, 'networks', `${id}.json`), '[]');
    expect(said).toContain('The network record');
    expect(await ok('network', 'ls', '-q', '--filter', 'name=^bridge$')).not.toBe('');
    expect(await ok('exec', 'good', 'cat', '/data/file')).toBe('kept');
    await ok('restart', '-t', '0', 'good');
    await expectTheRest();
    expect(await ok('run', '--rm', image, 'ip', 'addr', 'show', 'eth0')).toContain('inet ');
  });

  it('of a volume, whose data stays', async () => {
    const { ok, engine } = fixture;
    const { said, aside } = await damage(join(engine.root, 'volumes/kept/volume.json'), '');
    expect(said).toContain('The volume record');
    expect(aside).toHaveLength(1);
    expect(await ok('volume', 'ls', '-q')).toBe('kept');
    await expectTheRest();
  });

  it('of what a container is connected to: its address stays its own', async () => {
    const { ok, engine, image } = fixture;
    const { Id: id, NetworkSettings } = await inspect('good');
    const address = NetworkSettings.Networks['bridge']?.IPAddress;
    const { said, aside } = await damage(join(engine.runDir, 'networks/attachments', `${id}.json`));
    expect(said).toContain('connections');
    expect(aside).toHaveLength(1);
    for (let more = 0; more < 8; more += 1)
      expect(await ok('run', '--rm', image, 'ip', '-o', '-4', 'addr')).not.toContain(` ${address}/`);
    await expectTheRest();
    await ok('restart', '-t', '0', 'good');
    await expectTheRest();
  });

  it('of an exit', async () => {
    const { ok, engine, image } = fixture;
    await ok('run', '-d', '--name', 'leaver', '--network', 'none', image, 'sh', '-c', 'sleep 0.5; echo bye; exit 7');
    const id = await idOf('leaver');
    const file = join(engine.runDir, 'exits', id);
    await engine.kill();
    await eventually(
      async () => Promise.resolve(existsSync(file)),
      (there) => there,
      'the exit',
    );
    writeFileSync(file, 'no number');
    await engine.start();
    expect((await inspect('leaver')).State).toMatchObject({ Status: 'exited', ExitCode: 255 });
    expect(await ok('logs', 'leaver')).toBe('bye');
    expect((await warnings()).join('\n')).toContain(`The exit code of container ${id} could not be read`);
    await ok('rm', 'leaver');
    await expectTheRest();
  });
});
