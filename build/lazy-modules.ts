import { createRequire } from 'node:module';
import type { Plugin } from 'esbuild';

/** Node's heap snapshots cannot hold these: native objects are made when they load. */
const LAZY = /^(koffi|node:(http|https|worker_threads|dgram|dns|dns\/promises))$/;

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
