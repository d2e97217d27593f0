import { createRequire } from 'node:module';
import type { Plugin } from 'esbuild';

/**
 * What an engine without containers does not need to be ready: under emulation, loading these costs it a third of a second. (A heap
 * snapshot of the whole engine would save more, and starts; but Node ends the process when a worker thread of such a one loads a module
 * that is in the snapshot too, and the engine unpacks layers in workers.)
 */
const LAZY = /^(koffi|node:(https|worker_threads|dgram|dns|dns\/promises))$/;

/** Puts off loading such a module until the first use of one of its names. `home`: the file from which packages are looked for. */
export const lazyModules = (home: string): Plugin => ({
  name: 'lazy-modules',
  setup(build) {
    build.onResolve({ filter: LAZY }, ({ path }) => ({ path, namespace: 'lazy' }));
    build.onLoad({ filter: /./, namespace: 'lazy' }, ({ path }) => {
      const module = createRequire(import.meta.url)(path) as object;
      const names = Object.keys(module).filter((name) => name !== 'default');
      const getters = names.map((name) => `get ${name}() { return load().${name}; }`);
      return {
        loader: 'js',
        contents: `const { createRequire } = require('node:module');
          let loaded;
          const load = () => (loaded ??= createRequire(${JSON.stringify(home)})(${JSON.stringify(path)}));
          module.exports = { ${getters.join(', ')} };`,
      };
    });
  },
});
