import { Arch, type Configuration } from 'electron-builder';
import { guestForPackage } from './packaged-guest.ts';

/** Packages of the application: bin/node24 node_modules/.bin/electron-builder -c build/electron-builder.config.ts */
const config: Configuration = {
  appId: 'dev.berth.Berth',
  productName: 'Berth',
  directories: { output: 'release', buildResources: 'build/resources' },
  files: ['dist/**', 'bin/**', 'package.json', '!**/*.map'],
  // native parts cannot be loaded from inside the archive; the engine and what holds the machine are started as programs of their own
  asarUnpack: [
    'dist/agent/**',
    'dist/electron/machine/**',
    'bin/**',
    'package.json',
    '**/node_modules/{ssh2,asn1,bcrypt-pbkdf,safer-buffer,tweetnacl,cpu-features,buildcheck,nan}/**',
    '**/node_modules/{koffi,node-unix-socket}*/**',
    '**/node_modules/node-linux-*/**',
  ],
  // what the machine starts; electron/machine/image-place.ts finds it there
  beforePack: async ({ arch }) => void (await guestForPackage(Arch[arch])),
  extraResources: [{ from: 'release/guest/${arch}', to: 'guest' }],
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
