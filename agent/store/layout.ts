import { join } from 'node:path';

/**
 * Every name on disk, in one place.
 *
 * `root` (kept): containers/ID/{record.json,hostname,hosts,resolv.conf,log,overlay/}, images/, networks/, volumes/NAME/_data, quarantine/, reserve.
 * `run` (gone after a reboot): containers/ID/{bundle/,pidfile,conmon.pid,attach,ctl,winsz}, exits/, persist/, netns/, trash/, mount-ns, engine.pid.
 */
export class Layout {
  readonly root: string;
  readonly run: string;

  constructor(root: string, run: string) {
    this.root = root;
    this.run = run;
  }

  get containers() {
    return join(this.root, 'containers');
  }
  container(id: string) {
    return join(this.containers, id);
  }
  containerRecord(id: string) {
    return join(this.container(id), 'record.json');
  }
  /** conmon's k8s-file; rotated files have `.1`, `.2` … after it, `.1` the newest. */
  containerLog(id: string) {
    return join(this.container(id), 'container.log');
  }
  overlay(id: string) {
    const base = join(this.container(id), 'overlay');
    return { base, upper: join(base, 'upper'), work: join(base, 'work'), merged: join(base, 'merged') };
  }
  get images() {
    return join(this.root, 'images');
  }
  /** images/ with other ids, for the moment of a mount; short, since it stands in overlayfs' options for each layer */
  get mappedImages() {
    return join(this.root, 'mapped');
  }
  /** room for records on a full disk */
  get reserve() {
    return join(this.root, 'reserve');
  }
  get networks() {
    return join(this.root, 'networks');
  }
  get volumes() {
    return join(this.root, 'volumes');
  }
  get quarantine() {
    return join(this.root, 'quarantine');
  }

  containerRun(id: string) {
    return join(this.run, 'containers', id);
  }
  bundle(id: string) {
    return join(this.containerRun(id), 'bundle');
  }
  get exits() {
    return join(this.run, 'exits');
  }
  /** ID/N: volumes with other ids, while a container is made */
  get mappedVolumes() {
    return join(this.run, 'mapped');
  }
  get netns() {
    return join(this.run, 'netns');
  }
  /** what is removed when there is time */
  get trash() {
    return join(this.run, 'trash');
  }
  get runtimeState() {
    return join(this.run, 'runtime');
  }
  get mountNamespace() {
    return join(this.run, 'mount-ns');
  }
}
