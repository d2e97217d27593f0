// The layers, and what each may import (docs/architecture.md). Type imports count too.
const only = (from, allowed, comment) => ({
  name: `layer-${from.replace(/[^a-z]/g, '-')}`,
  severity: 'error',
  comment,
  from: { path: `^${from}/`, pathNot: '\\.test\\.ts$' },
  to: { path: '^(agent|electron|renderer|e2e|build|bench)/', pathNot: allowed.map((p) => `^${p}/`) },
});
module.exports = {
  forbidden: [
    only('agent/api', ['agent/api'], 'wire types import nothing'),
    only('agent', ['agent'], 'the engine stands alone'),
    only('electron/contract', ['electron/contract', 'agent/api'], 'the contract is pure'),
    only('electron', ['electron', 'agent/api'], 'the host reaches the engine through its socket'),
    only('renderer', ['renderer', 'electron/contract', 'agent/api'], 'the renderer is a client of the contract'),
    {
      name: 'electron-only-in-the-shell',
      severity: 'error',
      from: { path: '^(agent|electron|renderer)/', pathNot: '^electron/(main|preload)/' },
      to: { path: '^node_modules/electron/' },
    },
    {
      name: 'no-node-in-contract-or-renderer',
      severity: 'error',
      from: { path: '^(renderer|electron/contract|agent/api)/', pathNot: '(\\.test\\.ts|\\.config\\.ts)$' },
      to: { dependencyTypes: ['core'] },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'routers-do-not-reach-the-kernel',
      severity: 'error',
      from: { path: '^agent/http/', pathNot: '\\.test\\.ts$' },
      to: { path: '^agent/(runtime|cgroups|namespaces|networks|volumes|store)/', pathNot: '/types\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.vue', '.mjs', '.js'] },
  },
};
