import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dockerFixture, type DockerFixture } from './docker-cli-fixture.ts';

type Testcontainers = typeof import('testcontainers');

let fixture: DockerFixture;
let lib: Testcontainers;
beforeAll(async () => {
  fixture = await dockerFixture();
  // Where the library looks for the engine and what else it reads; its reaper is an image of a registry that tests do not reach.
  Object.assign(process.env, {
    DOCKER_HOST: `unix://${fixture.engine.socket}`,
    HOME: fixture.engine.directory,
    TESTCONTAINERS_RYUK_DISABLED: 'true',
  });
  lib = await import('testcontainers');
});
afterAll(() => fixture?.close());

const container = () => new lib.GenericContainer(fixture.image);
const serving = (more = '') =>
  `echo "busy getting ready"; ${more} echo "server is ready"; exec httpd -f -p 8080 -h /www`;
const get = async (started: { getHost(): string; getMappedPort(port: number): number }, path = '/') => {
  const answer = await fetch(`http://${started.getHost()}:${started.getMappedPort(8080)}${path}`);
  return answer.text();
};

describe('testcontainers for Node', () => {
  test('waits for a port and a line, reaches the port, executes, shows logs, stops', { timeout: 60_000 }, async () => {
    const lines: string[] = [];
    const started = await container()
      .withCommand(['sh', '-c', serving('sleep 0.3;')])
      .withCopyContentToContainer([{ content: 'hello there', target: '/www/index.html' }])
      .withExposedPorts(8080)
      .withEnvironment({ COLOUR: 'blue' })
      .withLabels({ kind: 'shop' })
      .withName('shop')
      .withLogConsumer((stream) => stream.on('data', (line: string) => lines.push(line.trim())))
      .withWaitStrategy(lib.Wait.forAll([lib.Wait.forLogMessage(/server is ready/), lib.Wait.forListeningPorts()]))
      .start();
    expect(await get(started)).toBe('hello there');
    expect(started.getName()).toBe('/shop');
    expect(started.getLabels()).toMatchObject({ kind: 'shop' });
    expect(lines).toEqual(['busy getting ready', 'server is ready']);

    const ran = await started.exec(['sh', '-c', 'echo $COLOUR $SIZE; pwd; id -un; echo bad >&2; exit 7'], {
      env: { SIZE: 'big' },
      workingDir: '/www',
      user: 'www-data',
    });
    expect(ran).toEqual({
      output: 'blue big\n/www\nwww-data\nbad\n',
      stdout: 'blue big\n/www\nwww-data\n',
      stderr: 'bad\n',
      exitCode: 7,
    });

    await started.restart();
    expect(await get(started)).toBe('hello there');
    await started.stop();
    expect(await fixture.ok('ps', '-aq')).toBe('');
  });

  test('copies files in both directions', { timeout: 60_000 }, async () => {
    const source = join(fixture.engine.directory, 'given');
    writeFileSync(source, 'from the host');
    const started = await container()
      .withCommand(['sleep', '1000'])
      .withCopyFilesToContainer([{ source, target: '/made/on/the/way/file', mode: 0o640 }])
      .start();
    await started.copyContentToContainer([{ content: 'later', target: '/tmp/later' }]);
    const { output } = await started.exec(['sh', '-c', 'cd /made/on/the/way; cat file /tmp/later; stat -c %a file']);
    expect(output).toBe('from the hostlater640\n');
    const archive = await started.copyArchiveFromContainer('/made/on');
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString('latin1')).toMatch(/^on\/\0[^]*on\/the\/way\/file\0[^]*from the host/);
    await started.stop({ remove: false, timeout: 100 });
    expect(await fixture.ok('inspect', '-f', '{{.State.Status}}', started.getId())).toBe('exited');
    await fixture.ok('rm', '-v', started.getId());
  });

  test('waits for health, for an answer over HTTP, for a command, and for the end', { timeout: 60_000 }, async () => {
    const web = container()
      .withCommand(['sh', '-c', serving('mkdir /www; echo fine >/www/health;')])
      .withExposedPorts(8080);
    const healthy = await web
      .withHealthCheck({ test: ['CMD-SHELL', 'wget -qO- http://127.0.0.1:8080/health'], interval: 200, retries: 20 })
      .withWaitStrategy(lib.Wait.forHealthCheck())
      .start();
    expect(await fixture.ok('inspect', '-f', '{{.State.Health.Status}}', healthy.getId())).toBe('healthy');
    await healthy.stop();
    const answering = await web
      .withWaitStrategy(lib.Wait.forHttp('/health', 8080).forResponsePredicate((body) => body === 'fine\n'))
      .start();
    expect(await get(answering, '/health')).toBe('fine\n');
    await answering.stop();
    const told = await container()
      .withCommand(['sh', '-c', 'sleep 0.3; touch /tmp/done; exec sleep 1000'])
      .withWaitStrategy(lib.Wait.forSuccessfulCommand('test -e /tmp/done'))
      .start();
    await told.stop();
    const ended = await container().withCommand(['true']).withWaitStrategy(lib.Wait.forOneShotStartup()).start();
    expect(await fixture.ok('inspect', '-f', '{{.State.ExitCode}}', ended.getId())).toBe('0');
    await ended.stop();
  });

  test('says what the container said when it ends too early', { timeout: 60_000 }, async () => {
    const failing = container()
      .withCommand(['sh', '-c', 'echo no such disk; exit 3'])
      .withWaitStrategy(lib.Wait.forLogMessage('ready'))
      .start();
    await expect(failing).rejects.toThrow('Log stream ended and message "ready" was not received');
  });

  test('joins networks, where containers know each other', { timeout: 60_000 }, async () => {
    const network = await new lib.Network().start();
    const server = await container()
      .withCommand(['sh', '-c', serving('mkdir /www; echo inside >/www/index.html;')])
      .withNetwork(network)
      .withNetworkAliases('web', 'www')
      .withTmpFs({ '/fast': 'rw,size=1m' })
      .withResourcesQuota({ memory: 0.0625, cpu: 0.5 })
      .withWaitStrategy(lib.Wait.forLogMessage('server is ready'))
      .start();
    const client = await container()
      .withCommand(['sleep', '1000'])
      .withNetwork(network)
      .withExtraHosts([{ host: 'printer', ipAddress: '192.0.2.7' }])
      .start();
    const { output } = await client.exec([
      'sh',
      '-c',
      'wget -qO- http://web:8080 http://www:8080; grep printer /etc/hosts',
    ]);
    expect(output).toMatch(/^inside\ninside\n192\.0\.2\.7\s+printer\n$/);
    expect(server.getIpAddress(network.getName())).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    // With aliases it connects to the network only after it has created the container.
    expect(server.getNetworkNames().sort()).toEqual([network.getName(), 'bridge'].sort());
    expect(client.getNetworkNames()).toEqual([network.getName()]);
    expect(await fixture.ok('inspect', '-f', '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}', server.getId())).toBe(
      `${64 << 20} 500000000`,
    );
    await client.stop();
    await server.stop();
    await network.stop();
    expect(await fixture.ok('network', 'ls', '-q', '--filter', 'type=custom')).toBe('');
  });

  test('makes an image of a container, and finds one that may be used again', { timeout: 60_000 }, async () => {
    const started = await container().withCommand(['sh', '-c', 'echo kept >/kept; exec sleep 1000']).start();
    const image = await started.commit({ repo: 'made', tag: 'here' });
    const again = await new lib.GenericContainer('made:here').withCommand(['cat', '/kept']).start();
    await started.stop();
    expect(image).toMatch(/^sha256:/);
    expect(await fixture.ok('logs', again.getId())).toBe('kept');
    await again.stop();
    const reused = () => container().withCommand(['sleep', '1000']).withReuse().start();
    const [first, second] = [await reused(), await reused()];
    expect(second.getId()).toBe(first.getId());
    await first.stop();
  });
});
