import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dockerFixture, type DockerFixture } from './docker-cli-fixture.ts';
import { DOCKER_ANSWERS } from './testing/docker-answers.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
  await fixture.ok('tag', fixture.image, 'busybox:latest');
  await fixture.ok('rmi', fixture.image);
  await fixture.ok('create', '--name', 'xx', 'busybox', 'true');
});
afterAll(() => fixture?.close());

/** Ids differ from run to run. */
const withoutIds = (text: string) => text.replace(/\b([0-9a-f]{64}|[0-9a-f]{12})\b/g, '{id}');

describe('requests with a fault', () => {
  test.each(DOCKER_ANSWERS)('%s %s %j: %d', async (method, path, body, status, message) => {
    const answer = await fixture.engine.request(method, path, body);
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status });
    if (message === undefined) return;
    const said = (answer.body as { message?: string } | undefined)?.message ?? answer.text;
    expect(withoutIds(said)).toBe(message);
  });
});
