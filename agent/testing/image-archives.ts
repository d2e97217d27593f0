import { gzipSync } from 'node:zlib';
import { MEDIA_TYPES, makeIndex, sha256, type TestImage } from './image.ts';
import { makeTar, type TarEntry } from './tar.ts';

/** Makes the archives that `docker load` is given, as other programs write them. */

const file = (name: string, content: string | Uint8Array): TarEntry => ({ name, content });
const hex = (digest: string) => digest.slice('sha256:'.length);
const configOf = (image: TestImage) => image.blobs[0]?.content ?? Buffer.alloc(0);
const layersOf = (image: TestImage) => image.blobs.slice(1);

/** As Docker before 25 writes it: a directory for each layer; a layer that is there already is a link to it. */
export function dockerArchive(images: readonly { image: TestImage; names?: string[] }[]): TarEntry[] {
  const entries: TarEntry[] = [];
  const written = new Map<string, string>();
  const manifest = images.map(({ image, names }, at) => {
    const Layers = layersOf(image).map(({ digest, content }, index) => {
      const directory = `${hex(sha256(Buffer.from(`${at} ${index}`)))}`;
      const path = `${directory}/layer.tar`;
      const before = written.get(digest);
      entries.push({ name: `${directory}/`, type: 'dir' }, file(`${directory}/VERSION`, '1.0'));
      entries.push(
        before === undefined ? file(path, content) : { name: path, type: 'symlink', linkname: `../${before}` },
      );
      written.set(digest, path);
      return path;
    });
    entries.push(file(`${hex(image.id)}.json`, configOf(image)));
    return { Config: `${hex(image.id)}.json`, RepoTags: names ?? null, Layers };
  });
  return [...entries, file('manifest.json', JSON.stringify(manifest))];
}

/** An OCI image layout: as skopeo (a tag), Podman and Docker (a name) write it. */
export function ociArchive(images: readonly { image: TestImage; annotations?: Record<string, string> }[]): TarEntry[] {
  const blobs = new Map<string, Uint8Array>();
  const collect = (image: TestImage) => {
    blobs.set(image.digest, image.manifest);
    for (const { digest, content } of image.blobs) blobs.set(digest, content);
    image.children.forEach(collect);
  };
  images.forEach(({ image }) => collect(image));
  const manifests = images.map(({ image, annotations }) => ({
    mediaType: image.mediaType,
    digest: image.digest,
    size: image.manifest.length,
    ...(annotations ? { annotations } : {}),
  }));
  return [
    file('oci-layout', '{"imageLayoutVersion":"1.0.0"}'),
    file('index.json', JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.oci.index, manifests })),
    ...[...blobs].map(([digest, content]) => file(`blobs/${digest.replace(':', '/')}`, content)),
  ];
}

export const asIndex = (...children: TestImage[]) => makeIndex(children);
export const gzipped = (entries: readonly TarEntry[]) => gzipSync(makeTar(entries), { level: 1 });
