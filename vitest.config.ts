import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';

// Unit tests stand beside the sources; `*.kernel.test.ts` need root and the real kernel, crun, conmon and netavark.
export default defineConfig({
  plugins: [vue()],
  test: {
    include: ['{agent,electron,renderer,build,bench,vm-assets}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // One file at a time: they share the kernel, and what they start needs the other processor.
    maxWorkers: 1,
  },
});
