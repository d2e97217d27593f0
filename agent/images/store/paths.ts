import { join } from 'node:path';
import { algorithmOf, hexOf } from '../digest.ts';

/**
 * Names below `images/`:
 *
 * - `oci-layout`, `index.json`, `blobs/ALGORITHM/HEX`: an OCI image layout, readable by any OCI tool;
 * - `images.json`: images and references, the authority;
 * - `layers/HEX/{layer.json,diff/}`: unpacked layers by diff id. What an archive unpacks to does not depend on what is below it, so one
 *   directory serves every image with that layer, wherever in its stack;
 * - `l/NAME`: short links to the `diff` directories, since overlayfs' options are limited to a page;
 * - `ingest/ALGORITHM-HEX`: blobs on their way, resumed by the next pull;
 * - `staging/`: what is being made or removed; emptied at start.
 */
export class ImagePaths {
  readonly base: string;

  constructor(base: string) {
    this.base = base;
  }
  get ociLayout() {
    return join(this.base, 'oci-layout');
  }
  get index() {
    return join(this.base, 'index.json');
  }
  get table() {
    return join(this.base, 'images.json');
  }
  get blobs() {
    return join(this.base, 'blobs');
  }
  blob(digest: string) {
    return join(this.blobs, algorithmOf(digest), hexOf(digest));
  }
  get ingest() {
    return join(this.base, 'ingest');
  }
  partial(digest: string) {
    return join(this.ingest, `${algorithmOf(digest)}-${hexOf(digest)}`);
  }
  get layers() {
    return join(this.base, 'layers');
  }
  layer(diffId: string) {
    return join(this.layers, algorithmOf(diffId) === 'sha256' ? hexOf(diffId) : diffId.replace(':', '-'));
  }
  diff(diffId: string) {
    return join(this.layer(diffId), 'diff');
  }
  get links() {
    return join(this.base, 'l');
  }
  link(name: string) {
    return join(this.links, name);
  }
  get staging() {
    return join(this.base, 'staging');
  }
}
