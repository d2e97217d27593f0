/**
 * A registry filled with test images, until SIGTERM: `bin/node24 agent/testing/registry-main.ts [--port N] [--debian] [--big]`.
 * Prints "HOST/busybox:latest" etc. line by line, then "ready".
 */
import { parseArgs } from 'node:util';
import { bigImage } from './big-image.ts';
import { busyboxImage } from './busybox-image.ts';
import { debianImage } from './debian-image.ts';
import { pushImage } from './push.ts';
import { startRegistry } from './registry.ts';

const { values } = parseArgs({
  options: { port: { type: 'string' }, debian: { type: 'boolean' }, big: { type: 'boolean' } },
});

const registry = await startRegistry(values.port === undefined ? {} : { port: Number(values.port) });
const stop = () => void registry.stop().then(() => process.exit(0));
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

const say = (line: string) => process.stdout.write(`${line}\n`);
try {
  const busybox = busyboxImage();
  for (const tag of ['latest', '1']) say(await pushImage(registry.host, 'busybox', tag, busybox));
  if (values.debian) {
    const debian = await debianImage();
    for (const tag of ['latest', '1']) say(await pushImage(registry.host, 'debian', tag, debian));
  }
  if (values.big) say(await pushImage(registry.host, 'big', 'latest', bigImage({ layerSize: 40 * 1024 * 1024 })));
  say('ready');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  await registry.stop();
  process.exit(1);
}
