import type { Configuration } from 'electron-builder';

/** Packages of the application: bin/node24 node_modules/.bin/electron-builder -c build/electron-builder.config.ts */
const config: Configuration = {
  appId: 'dev.berth.Berth',
  productName: 'Berth',
  directories: { output: 'release', buildResources: 'build/resources' },
  files: ['dist/**', 'bin/**', 'package.json', '!**/*.map'],
  // native parts cannot be loaded from inside the archive, and the engine is started as a program of its own
  asarUnpack: [
    'dist/agent/**',
    'bin/**',
    '**/node_modules/{koffi,node-unix-socket}*/**',
    '**/node_modules/node-linux-*/**',
  ],
  linux: { target: ['deb', 'AppImage'], category: 'Development', synopsis: 'Linux containers on the desktop' },
  deb: {
    depends: [
      'crun | runc',
      'conmon',
      'netavark',
      'aardvark-dns',
      'iptables',
      'nftables',
      'iproute2',
      'uidmap',
      'golang-github-containers-common',
      'procps',
      'tini',
    ],
  },
  mac: { target: ['dmg'], category: 'public.app-category.developer-tools' },
  win: { target: ['nsis'] },
};
export default config;
