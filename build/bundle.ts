import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions } from 'esbuild';
import { lazyModules } from './lazy-modules.ts';

/**
 * Builds dist/: the engine, the host, Electron's shell, the window. A part whose inputs have not changed since it was built is left
 * as it is, so that a second start takes a moment. `--force` builds all.
 */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');

/** What stays a package of its own: native code, and what Electron brings. */
const EXTERNAL = ['koffi', 'ssh2', 'cpu-features', 'electron'];
/** Packages that are CommonJS inside ask for `require`. */
const REQUIRE = `import { createRequire as berthCreateRequire } from 'node:module'; const require = berthCreateRequire(import.meta.url);`;

/** CommonJS has no import.meta. */
const FILE_URL = `const berthFileUrl = require('node:url').pathToFileURL(__filename).href;`;

interface Part {
  name: string;
  /** folders and files whose content decides whether it is built again */
  inputs: string[];
  /**
   * `cjs`: an ES module that imports from a built-in one makes Node evaluate all of that one's lazy exports (undici, WebCrypto, HTTP/2):
   * 3 MB that the engine has no use for. `compact`: for Node, and without white space, since V8 keeps the
   * text. `guest`: the file's address in the guest; what its start does not need is loaded later.
   */
  entries: { source: string; target: string; format?: 'esm' | 'cjs'; compact?: boolean; guest?: string }[];
  copies?: { source: string; target: string }[];
}

const PARTS: Part[] = [
  {
    name: 'agent',
    inputs: ['agent'],
    entries: [
      { source: 'agent/main.ts', target: 'agent/main.cjs', format: 'cjs', compact: true },
      {
        source: 'agent/main.ts',
        target: 'agent/guest.cjs',
        format: 'cjs',
        compact: true,
        guest: '/opt/berth/agent/main.cjs',
      },
      { source: 'agent/images/unpack-worker.ts', target: 'agent/unpack-worker.cjs', format: 'cjs', compact: true },
    ],
  },
  {
    name: 'electron',
    inputs: ['electron', 'agent/api', 'build/resources'],
    copies: [{ source: 'build/resources/tray.png', target: 'electron/icon.png' }],
    entries: [
      { source: 'electron/headless.ts', target: 'electron/headless.mjs' },
      { source: 'electron/machine/main.ts', target: 'electron/machine/main.mjs' },
      { source: 'electron/main/main.ts', target: 'electron/main.js' },
      { source: 'electron/preload/preload.ts', target: 'electron/preload.cjs', format: 'cjs' },
    ],
  },
];
const RENDERER_INPUTS = ['renderer', 'electron/contract', 'agent/api'];
/** A change of these builds everything. */
const COMMON_INPUTS = ['build/bundle.ts', 'build/lazy-modules.ts', 'package-lock.json', 'tsconfig.base.json'];

async function* filesIn(path: string): AsyncGenerator<string> {
  if (!existsSync(path)) return;
  if ((await stat(path)).isFile()) return yield path;
  for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (/^(node_modules|dist)$|\.(test\.ts|tsbuildinfo)$/.test(entry.name)) continue;
    yield* filesIn(join(path, entry.name));
  }
}

/** One hash over names and contents. */
async function hashOf(inputs: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const input of [...inputs, ...COMMON_INPUTS]) {
    for await (const file of filesIn(join(root, input)))
      hash
        .update(file)
        .update('\0')
        .update(await readFile(file));
  }
  return hash.digest('hex');
}

/** Runs `make` unless what it made is of the same inputs. The stamp is written last: an interrupted build is done again. */
async function whenChanged(
  name: string,
  inputs: string[],
  outputs: string[],
  make: () => Promise<void>,
): Promise<void> {
  const stamp = join(dist, `.${name}.stamp`);
  const hash = await hashOf(inputs);
  const built = !process.argv.includes('--force') && existsSync(stamp) && (await readFile(stamp, 'utf8')) === hash;
  if (built && outputs.every((output) => existsSync(output))) return;
  const started = Date.now();
  await rm(stamp, { force: true });
  await make();
  await mkdir(dist, { recursive: true });
  await writeFile(stamp, hash);
  console.log(`built ${name} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

export function esbuildOptions(entry: Part['entries'][number]): BuildOptions {
  const esm = entry.format !== 'cjs';
  return {
    entryPoints: [join(root, entry.source)],
    outfile: join(dist, entry.target),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: esm ? 'esm' : 'cjs',
    external: EXTERNAL,
    sourcemap: true,
    logLevel: 'warning',
    // names stay, for the sake of stack traces
    ...(entry.compact ? { minifyWhitespace: true, minifySyntax: true } : {}),
    ...(esm ? { banner: { js: REQUIRE } } : {}),
    ...(entry.compact ? fileUrl(entry.guest) : {}),
  };
}

const fileUrl = (guest: string | undefined): BuildOptions =>
  guest === undefined
    ? { banner: { js: FILE_URL }, define: { 'import.meta.url': 'berthFileUrl' } }
    : { define: { 'import.meta.url': JSON.stringify(`file://${guest}`) }, plugins: [lazyModules(guest)] };

async function buildRenderer(): Promise<void> {
  const { build: viteBuild } = await import('vite');
  await viteBuild({ configFile: join(root, 'renderer', 'vite.config.ts'), logLevel: 'warn' });
}

async function main(): Promise<void> {
  for (const part of PARTS) {
    const entries = part.entries.filter((entry) => existsSync(join(root, entry.source)));
    const outputs = entries.map((entry) => join(dist, entry.target));
    await whenChanged(part.name, part.inputs, outputs, async () => {
      await Promise.all(entries.map((entry) => build(esbuildOptions(entry))));
      for (const { source, target } of part.copies ?? []) await copyFile(join(root, source), join(dist, target));
    });
  }
  if (!existsSync(join(root, 'renderer', 'vite.config.ts')))
    return console.log('renderer/vite.config.ts is not there: no window is built');
  await whenChanged('renderer', RENDERER_INPUTS, [join(dist, 'renderer', 'index.html')], buildRenderer);
}

if (import.meta.main) await main();
