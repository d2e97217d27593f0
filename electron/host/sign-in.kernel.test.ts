import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestEngine, type TestEngine } from '../../agent/testing/engine.ts';
import { busyboxImage, pushImage, startRegistry, type TestRegistry } from '../../agent/testing/index.ts';
import { EngineClient } from '../engine/client.ts';
import { unixTransport } from '../engine/transport.ts';
import { toAppError } from './failures.ts';
import { pullImage } from './pull.ts';
import { registryAuth } from './registry-auth.ts';
import { signIn } from './sign-in.ts';

// A real registry that asks for a user, a real engine, and docker's configuration in a directory of its own.
const PASSWORD = 'pa:ss wörd';
let engine: TestEngine;
let registry: TestRegistry;
let client: EngineClient;
let directory: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  registry = await startRegistry({ htpasswd: { someone: PASSWORD } });
  await pushImage(registry.host, 'private', '1', busyboxImage(), { username: 'someone', password: PASSWORD });
  engine = await startTestEngine();
  client = new EngineClient(unixTransport(engine.socket));
}, 60_000);
afterAll(async () => {
  client?.close();
  await engine?.stop();
  await registry?.stop();
}, 60_000);
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-auth-'));
  env = { ...process.env, DOCKER_CONFIG: join(directory, 'docker'), PATH: `${directory}:${process.env['PATH']}` };
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const configFile = () => join(directory, 'docker', 'config.json');
const readConfig = async () => JSON.parse(await readFile(configFile(), 'utf8')) as Record<string, unknown>;
const request = () => ({ registry: registry.host, username: 'someone', password: PASSWORD });
async function pull(): Promise<void> {
  const reference = `${registry.host}/private:1`;
  const auth = await registryAuth(reference, env);
  for await (const _ of pullImage(client, { reference, platform: '', auth }, new AbortController().signal)) void _;
}

test('a pull is refused, says to which registry one may sign in, and goes well after that', async () => {
  const refused = await pull().then(
    () => undefined,
    (error: unknown) => toAppError(error),
  );
  expect(refused).toMatchObject({ code: 'unauthorized', field: 'image', signInTo: registry.host });
  await signIn(client, request(), env);
  await pull();
  expect((await stat(configFile())).mode & 0o777).toBe(0o600);
  expect(await readConfig()).toEqual({
    auths: { [registry.host]: { auth: Buffer.from(`someone:${PASSWORD}`).toString('base64') } },
  });
  // the docker command finds it there, too
  const image = `${registry.host}/private:1`;
  await engine.docker(['rmi', image]);
  await engine.docker(['pull', '-q', image], { env: { DOCKER_CONFIG: join(directory, 'docker') } });
});

test('a wrong password is refused beside its field, and nothing is kept', async () => {
  const failure = await signIn(client, { ...request(), password: 'wr0ng-secret' }, env).then(
    () => undefined,
    (error: unknown) => toAppError(error),
  );
  expect(failure).toMatchObject({ code: 'unauthorized', field: 'password' });
  expect(JSON.stringify(failure)).not.toContain('wr0ng-secret');
  await expect(stat(configFile())).rejects.toThrow('ENOENT');
  expect(engine.log()).not.toContain('wr0ng-secret');
  expect(engine.log()).not.toContain(PASSWORD);
});

test('a registry that does not answer is told as that', async () => {
  await expect(signIn(client, { ...request(), registry: '127.0.0.1:1' }, env)).rejects.toMatchObject({
    failure: { message: '127.0.0.1:1 could not be asked.', detail: expect.stringContaining('connection refused') },
  });
});

test('a credential helper keeps it, the file does not; what else is in the file stays', async () => {
  const kept = join(directory, 'kept.json');
  // the protocol of https://github.com/docker/docker-credential-helpers
  await writeFile(
    join(directory, 'docker-credential-mine'),
    `#!/bin/sh\ncase "$1" in store) cat > ${kept};; get) cat > /dev/null; cat ${kept};; esac\n`,
  );
  await chmod(join(directory, 'docker-credential-mine'), 0o755);
  await signIn(client, request(), env);
  await writeFile(configFile(), JSON.stringify({ ...(await readConfig()), credsStore: 'mine', psFormat: 'table' }));
  await signIn(client, request(), env);
  expect(JSON.parse(await readFile(kept, 'utf8'))).toEqual({
    ServerURL: registry.host,
    Username: 'someone',
    Secret: PASSWORD,
  });
  expect(await readConfig()).toEqual({ auths: { [registry.host]: {} }, credsStore: 'mine', psFormat: 'table' });
  await pull();
});

test('a file that is no JSON is left as it is', async () => {
  await signIn(client, request(), env);
  await writeFile(configFile(), '{ "auths": ');
  await expect(signIn(client, request(), env)).rejects.toMatchObject({ failure: { code: 'not-kept' } });
  expect(await readFile(configFile(), 'utf8')).toBe('{ "auths": ');
});
