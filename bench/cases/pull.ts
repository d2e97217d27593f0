import type { Engine } from '../engines.ts';
import type { BenchImages, Case } from './types.ts';

/**
 * Each round pulls another image, and none is removed before the end: ext4 looks at every inode that was freed in the last minute before it
 * gives one out (recently_deleted() in its ialloc.c), which would be most of what is measured.
 */
function pulling(name: string, what: string, image: (images: BenchImages, number: number) => Promise<string>): Case {
  const pulled = new WeakMap<Engine, number>();
  return {
    name,
    what,
    unit: 'ms',
    aim: { dockerd: 1 },
    share: 0.3,
    once: async (engine, images) => {
      const number = (pulled.get(engine) ?? 0) + 1;
      pulled.set(engine, number);
      const reference = await image(images, number);
      return engine.client.timed('pull', '-q', reference);
    },
    finish: async (engine, images) => {
      for (let number = pulled.get(engine) ?? 0; number > 0; number--)
        await engine.client.docker('rmi', '-f', await image(images, number));
      pulled.delete(engine);
    },
  };
}

export const pull = pulling(
  'pull',
  'docker pull of an image over 100 MB with 7 layers from the loopback registry, of which the smallest is stored',
  ({ big }, number) => big(number),
);

export const pullDebian = pulling(
  'pull-debian',
  'docker pull of Debian 12 in one layer, thousands of files, from the loopback registry',
  ({ debian }, number) => debian(number),
);
