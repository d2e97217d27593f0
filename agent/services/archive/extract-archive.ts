import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { EngineError, invalid } from '../../api/errors.ts';
import type { TarHandler, TarHeader } from '../../images/tar/reader.ts';
import { capabilityToHost, toHost, type IdMap } from '../../namespaces/id-map.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import { bytes, toWire, type ContainerFs, type Place } from './container-fs.ts';
import { childText } from './write-archive.ts';

export interface ExtractOptions {
  /** refuse to put a file in a directory's place, or the other way round */
  noOverwriteDirNonDir: boolean;
  /** give all to this user instead of whom the archive names */
  owner: { uid: number; gid: number } | undefined;
  /** the container's ids: those that the archive and `owner` name */
  idMap?: IdMap | undefined;
}

const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

/** Unpacks entries below a directory of a container; names and links stay inside the container. */
export class ArchiveExtractor implements TarHandler {
  readonly #fs: ContainerFs;
  readonly #target: Place;
  readonly #sys: Syscalls;
  readonly #options: ExtractOptions;
  #file: { fd: number; header: TarHeader } | undefined;
  /** directories get their times when all is in them; by path from inside */
  readonly #times = new Map<string, number>();

  constructor(fs: ContainerFs, target: Place, sys: Syscalls, options: ExtractOptions) {
    this.#fs = fs;
    this.#target = target;
    this.#sys = sys;
    this.#options = options;
  }

  entry(header: TarHeader): void {
    this.close();
    const parts = partsOf(header.name);
    const name = parts.pop();
    if (name === undefined) {
      if (header.type === 'dir') this.#ownAndMode(this.#target, header);
      return;
    }
    const directory = this.#directory(parts);
    try {
      this.#make(directory, name, header);
    } finally {
      directory.close();
    }
  }

  content(chunk: Buffer, last: boolean): void {
    if (!this.#file) return;
    for (let at = 0; at < chunk.length;) at += writeSync(this.#file.fd, chunk, at);
    if (last) this.close();
  }

  /** Ends the file being written. */
  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    try {
      futimesSync(file.fd, file.header.mtime, file.header.mtime);
    } finally {
      closeSync(file.fd);
    }
  }

  /** After the last entry. */
  finish(): void {
    this.close();
    for (const [inside, mtime] of this.#times) {
      const { place } = this.#fs.find(inside, false);
      if (!place) continue;
      if (place.stats.isDirectory()) utimesSync(place.path, mtime, mtime);
      place.close();
    }
  }

  /** The directory at `parts` below the target, links followed inside the container; made where it is missing. */
  #directory(parts: readonly string[]): Place {
    const { place } = this.#fs.find(parts.join('/'), true, this.#target);
    if (place) {
      if (place.stats.isDirectory()) return place;
      place.close();
      throw invalid(`${toWire(parts.join('/'))} is not a directory`);
    }
    if (parts.length === 0) throw new EngineError('not-found', 'the directory is gone');
    const parent = this.#directory(parts.slice(0, -1));
    const name = parts[parts.length - 1] as string;
    try {
      mkdirSync(parent.child(name), 0o755);
      // What the archive does not name belongs to the container's root, unless all is for one user.
      const { uid, gid } = this.#owner(parent, { uid: 0, gid: 0 });
      if (uid !== 0 || gid !== 0) lchownSync(parent.child(name), uid, gid);
      return this.#enter(parent, name);
    } catch (error) {
      // a link that leads nowhere
      if ((error as NodeJS.ErrnoException).code === 'EEXIST')
        throw invalid(`mkdir ${toWire(parts.join('/'))}: file exists`, error);
      throw error;
    } finally {
      parent.close();
    }
  }

  #enter(directory: Place, name: string): Place {
    const place = this.#fs.enter(directory, name);
    if (!place) throw new EngineError('not-found', `${toWire(name)} is gone`);
    return place;
  }

  /** Takes away what is in the way. True when a directory is there already and stays. */
  #clear(directory: Place, name: string, header: TarHeader): boolean {
    const there = this.#fs.enter(directory, name);
    if (!there) return false;
    const isDirectory = there.stats.isDirectory();
    there.close();
    if (isDirectory && header.type === 'dir') return true;
    const shown = toWire(`${directory.inside === '/' ? '' : directory.inside}/${name}`);
    if (this.#options.noOverwriteDirNonDir && isDirectory)
      throw invalid(
        `cannot overwrite directory ${JSON.stringify(shown)} with non-directory ${JSON.stringify(toWire(this.#target.inside))}`,
      );
    if (this.#options.noOverwriteDirNonDir && header.type === 'dir')
      throw invalid(
        `cannot overwrite non-directory ${JSON.stringify(shown)} with directory ${JSON.stringify(toWire(this.#target.inside))}`,
      );
    if (isDirectory) removeTree(this.#fs, directory, name);
    else unlinkSync(directory.child(name));
    return false;
  }

  #make(directory: Place, name: string, header: TarHeader): void {
    const kept = this.#clear(directory, name, header);
    const path = directory.child(name);
    switch (header.type) {
      case 'dir':
        if (!kept) mkdirSync(path, 0o700);
        break;
      case 'file':
        return this.#openFile(directory, name, header);
      case 'symlink':
        symlinkSync(bytes(header.linkname), path);
        break;
      case 'link':
        return this.#link(path, header.linkname);
      case 'fifo':
        this.#sys.mkfifo(this.#text(directory, name), 0o600);
        break;
      case 'char':
      case 'block':
        this.#sys.mknod(
          this.#text(directory, name),
          (header.type === 'char' ? S_IFCHR : S_IFBLK) | 0o600,
          header.major,
          header.minor,
        );
        break;
    }
    this.#attributes(directory, name, header);
  }

  #text(directory: Place, name: string): string {
    const text = childText(directory, name);
    if (text === undefined) throw invalid(`invalid name in archive: ${JSON.stringify(name)}`);
    return text;
  }

  #openFile(directory: Place, name: string, header: TarHeader): void {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(directory.child(name), flags, 0o600);
    this.#file = { fd, header };
    const { uid, gid } = this.#owner(directory, header);
    fchownSync(fd, uid, gid);
    this.#xattrs(directory, name, header);
    fchmodSync(fd, header.mode);
    if (header.size === 0) this.close();
  }

  /** The other name counts from the directory that is unpacked into, as the entries do. */
  #link(path: Buffer, linkname: string): void {
    const parts = partsOf(linkname);
    const name = parts.pop();
    if (name === undefined) throw invalid(`invalid hardlink ${JSON.stringify(toWire(linkname))}`);
    const directory = this.#directory(parts);
    try {
      linkSync(directory.child(name), path);
    } catch (error) {
      throw invalid(`link ${toWire(linkname)}: ${(error as Error).message}`, error);
    } finally {
      directory.close();
    }
  }

  #attributes(directory: Place, name: string, header: TarHeader): void {
    const path = directory.child(name);
    const { uid, gid } = this.#owner(directory, header);
    lchownSync(path, uid, gid);
    this.#xattrs(directory, name, header);
    if (header.type !== 'symlink') {
      const place = this.#enter(directory, name);
      try {
        if (place.stats.isSymbolicLink()) throw invalid(`${toWire(place.inside)} was replaced meanwhile`);
        chmodSync(place.path, header.mode);
        if (header.type === 'dir') this.#times.set(place.inside, header.mtime);
      } finally {
        place.close();
      }
    }
    lutimesSync(path, header.mtime, header.mtime);
  }

  #ownAndMode(place: Place, header: TarHeader): void {
    const { uid, gid } = this.#owner(place, header);
    lchownSync(`${place.path}/.`, uid, gid);
    chmodSync(place.path, header.mode);
    this.#times.set(place.inside, header.mtime);
  }

  #idMap(place: Place): IdMap | undefined {
    return place.plain ? undefined : this.#options.idMap;
  }

  /** On the host. Throws invalid-parameter for an id that the container does not have, in dockerd's words. */
  #owner(directory: Place, named: { uid: number; gid: number }): { uid: number; gid: number } {
    const { owner = named } = this.#options;
    const idMap = this.#idMap(directory);
    const inHost = (id: number, range: IdMap['uid'] | undefined): number => {
      const host = toHost(range, id);
      if (host === undefined) throw invalid(`Container ID ${id} cannot be mapped to a host ID`);
      return host;
    };
    return { uid: inHost(owner.uid, idMap?.uid), gid: inHost(owner.gid, idMap?.gid) };
  }

  #xattrs(directory: Place, name: string, header: TarHeader): void {
    for (const [key, value] of header.xattrs) {
      if (!/^(user\.|security\.capability$)/.test(key)) continue;
      const path = childText(directory, name);
      if (path !== undefined)
        this.#sys.lsetxattr(
          path,
          key,
          key === 'security.capability' ? capabilityToHost(this.#idMap(directory)?.uid, value) : value,
        );
    }
  }
}

/** An archive's name as parts below the target; what climbs out of it is refused. */
function partsOf(name: string): string[] {
  const out: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') out.push(part);
    else if (out.pop() === undefined)
      throw invalid(`${JSON.stringify(toWire(name))} is outside of the archive's destination`);
  }
  return out;
}

/** Removes a directory with all in it, handle by handle, so that nothing put there meanwhile leads out. */
function removeTree(fs: ContainerFs, parent: Place, name: string): void {
  const place = fs.enter(parent, name);
  if (!place) return;
  try {
    if (place.stats.isDirectory()) {
      for (const child of fs.names(place)) removeTree(fs, place, child);
      rmdirSync(parent.child(name));
      return;
    }
  } finally {
    place.close();
  }
  rmSync(parent.child(name), { force: true });
}
