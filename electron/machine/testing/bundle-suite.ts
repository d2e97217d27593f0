import { join } from 'node:path';
import { build } from 'esbuild';
import { REPOSITORY } from './guest.ts';

/** A test file as one script for Node's own test runner. */
export async function bundleSuite(file: string): Promise<string> {
  const result = await build({
    entryPoints: [join(REPOSITORY, file)],
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    write: false,
    alias: { vitest: join(REPOSITORY, 'electron/machine/testing/vitest-on-node.ts') },
  });
  return result.outputFiles[0]?.text ?? '';
}
