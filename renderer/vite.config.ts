import { fileURLToPath } from 'node:url';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

// Relative base: the same files are served over http (`berth ui`) and loaded by Electron. The demo page is a development entry
// (BERTH_DEMO=1) and never part of a normal build.
export default defineConfig({
  root,
  base: './',
  plugins: [vue()],
  build: {
    outDir: process.env['BERTH_RENDERER_OUT'] || fileURLToPath(new URL('../dist/renderer', import.meta.url)),
    // an empty name would be this folder itself, whose sources would be emptied away
    emptyOutDir: true,
    target: 'chrome110',
    // one style sheet: a part whose own sheet failed to load would be shown without it, since it is not asked for again
    cssCodeSplit: false,
    // inlined assets would need data: in the content security policy
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    rollupOptions: process.env['BERTH_DEMO'] ? { input: { demo: `${root}testing/demo.html` } } : {},
  },
});
