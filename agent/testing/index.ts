/** Test fixtures: a real registry on loopback and real images. Used by unit, kernel and end-to-end tests and by the benchmarks. */
export { startRegistry, freePort, type TestRegistry, type RegistryOptions } from './registry.ts';
export {
  makeImage,
  makeIndex,
  sha256,
  machineArchitecture,
  MEDIA_TYPES,
  type TestImage,
  type ImageOptions,
  type LayerSource,
} from './image.ts';
export { makeTar, type TarEntry } from './tar.ts';
export { busyboxImage, busyboxLayer } from './busybox-image.ts';
export { debianImage, debianTar } from './debian-image.ts';
export { bigImage, type BigImageOptions } from './big-image.ts';
export { pushImage, registryRequest, type PushOptions } from './push.ts';
