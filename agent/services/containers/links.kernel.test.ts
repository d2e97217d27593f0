import { afterAll, beforeAll, expect, test } from 'vitest';
import { dockerFixture, type DockerFixture } from '../../docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
});
afterAll(() => fixture?.close());

const links = async (name: string) => fixture.ok('inspect', '-f', '{{json .HostConfig.Links}}', name);
const names = async (id: string) => {
  const { body } = await fixture.engine.request('GET', '/containers/json?all=1');
  return (body as { Id: string; Names: string[] }[]).find(({ Id }) => Id === id)?.Names;
};

test('links are names of the container, follow both names, and go by themselves', async () => {
  const { ok, image } = fixture;
  const db = await ok('run', '-d', '--name', 'db', image, 'sleep', '1000');
  await ok('create', '--name', 'web', '--link', 'db:store', '--link', 'db', image, 'true');
  expect(await names(db)).toEqual(['/db', '/web/store', '/web/db']);
  expect(await ok('inspect', '-f', '{{.Id}}', 'web/store')).toBe(db);
  expect(await links('web')).toBe('["/db:/web/store","/db:/web/db"]');
  await ok('rename', 'db', 'base');
  await ok('rename', 'web', 'front');
  expect(await links('front')).toBe('["/base:/front/store","/base:/front/db"]');
  await ok('rm', '--link', 'front/db');
  expect(await names(db)).toEqual(['/base', '/front/store']);
  expect(await fixture.docker(['rm', '--link', 'front/db'])).toMatchObject({ code: 1 });
  expect((await fixture.docker(['rm', '--link', 'base'])).stderr).toContain(
    'Conflict, cannot remove the default link name of the container',
  );
  // The linked one has another name by now, and is still found.
  await ok('start', '-a', 'front');
  await ok('rm', '-f', 'base');
  expect(await links('front')).toBe('null');
  await ok('rm', 'front');
});

test('links on a network of the user’s are names there, of containers that may come later', async () => {
  const { ok, image } = fixture;
  await ok('network', 'create', 'app');
  const user = await ok('run', '-d', '--network', 'app', '--link', 'late:other', image, 'sleep', '1000');
  const other = await ok('run', '-d', '--network', 'app', image, 'sleep', '1000');
  expect((await fixture.docker(['exec', user, 'nslookup', 'other'])).code).not.toBe(0);
  const late = await ok('run', '-d', '--network', 'app', '--name', 'late', image, 'sleep', '1000');
  const address = await ok('inspect', '-f', '{{.NetworkSettings.Networks.app.IPAddress}}', late);
  expect(await ok('exec', user, 'nslookup', '-type=a', 'other')).toContain(`Address: ${address}`);
  expect((await fixture.docker(['exec', other, 'nslookup', 'other'])).code).not.toBe(0);
  await ok('rm', '-f', user, other, late);
  await ok('network', 'rm', 'app');
});
