import * as fs from 'node:fs';
import type { Syscalls } from '../../system/syscalls.ts';
import type { TarHandler, TarHeader } from '../tar/reader.ts';
import { BreakoutError, LayerPaths, cleanParts, fsPath } from './layer-path.ts';

/** File type bits, <sys/stat.h>. */
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

export interface UnpackerOptions {
  /** given only when it is needed: loading it costs time */
  sys: () => Syscalls;
  /** overlayfs' own attributes: "trusted.", or "user." for mounts with `userxattr` in a user namespace */
  overlayPrefix: 'trusted.' | 'user.';
}

interface OpenFile {
  fd: number;
  path: string;
  header: TarHeader;
}

/**
 * Writes the entries of a layer's archive into a fresh directory, as overlayfs wants its lower directories: whiteouts become character
 * devices 0:0, opaque markers an attribute (Linux Documentation/filesystems/overlayfs.rst). Synchronous: it runs in a worker.
 */
export class Unpacker implements TarHandler {
  /** bytes of all regular files: what Docker calls a layer's size */
  size = 0;
  readonly #root: string;
  readonly #options: UnpackerOptions;
  readonly #paths: LayerPaths;
  readonly #umask = process.umask();
  readonly #uid = process.geteuid?.() ?? 0;
  readonly #gid = process.getegid?.() ?? 0;
  /** directories' times are set last: what is written into them changes them */
  readonly #directoryTimes = new Map<string, number>();
  readonly #whiteouts = new Set<string>();
  #open: OpenFile | undefined;

  /** `root` exists and is empty. */
  constructor(root: string, options: UnpackerOptions) {
    this.#root = Buffer.from(root, 'utf8').toString('latin1');
    this.#options = options;
    this.#paths = new LayerPaths(this.#root);
  }

  entry(header: TarHeader): void {
    const base = cleanParts(header.name).at(-1) ?? '';
    if (base.startsWith(WHITEOUT)) {
      if (header.type === 'file' || header.type === 'link') this.#whiteout(header.name, base);
      // the content of a marker, if any, is not wanted
      return;
    }
    const path = this.#paths.locate(header.name);
    const existed = this.#clear(path, header.type === 'dir');
    switch (header.type) {
      case 'dir':
        if (!existed) fs.mkdirSync(fsPath(path), header.mode);
        this.#directoryTimes.set(path, header.mtime);
        break;
      case 'file':
        this.#create(path, header);
        return;
      case 'link':
        this.#link(path, header);
        return;
      case 'symlink':
        fs.symlinkSync(fsPath(header.linkname), fsPath(path));
        break;
      case 'fifo':
        this.#options.sys().mkfifo(utf8(path), header.mode);
        break;
      case 'char':
      case 'block':
        if (!this.#device(path, header)) return;
    }
    this.#metadata(path, header);
  }

  content(chunk: Buffer, last: boolean): void {
    const open = this.#open;
    if (!open) return;
    for (let at = 0; at < chunk.length;) at += fs.writeSync(open.fd, chunk, at);
    if (last) this.#finish(open);
  }

  /** After the last entry. */
  end(): void {
    const deepestFirst = [...this.#directoryTimes].sort(([a], [b]) => b.length - a.length);
    for (const [path, mtime] of deepestFirst) fs.lutimesSync(fsPath(path), mtime, mtime);
  }

  /** Closes what is open, after a failure. */
  abort(): void {
    if (this.#open) fs.closeSync(this.#open.fd);
    this.#open = undefined;
  }

  /** Makes room for an entry. True when a directory is there and stays. */
  #clear(path: string, isDirectory: boolean): boolean {
    if (path === this.#root) {
      if (!isDirectory) throw new BreakoutError('the root of the archive is not a directory');
      return true;
    }
    const found = fs.lstatSync(fsPath(path), { throwIfNoEntry: false });
    if (!found) return false;
    if (this.#whiteouts.delete(path)) {
      fs.rmSync(fsPath(path));
      if (isDirectory) {
        // a name both deleted and made again: the new directory hides the old one's content
        fs.mkdirSync(fsPath(path));
        this.#opaque(path);
        return true;
      }
      return false;
    }
    if (found.isDirectory()) {
      if (isDirectory) return true;
      this.#paths.forget(path);
      for (const known of this.#directoryTimes.keys())
        if (known === path || known.startsWith(`${path}/`)) this.#directoryTimes.delete(known);
    }
    fs.rmSync(fsPath(path), { recursive: true });
    return false;
  }

  #create(path: string, header: TarHeader): void {
    const flags = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW;
    const fd = fs.openSync(fsPath(path), flags, header.mode & 0o777);
    this.#open = { fd, path, header };
    this.size += header.size;
    if (header.size === 0) this.#finish(this.#open);
  }

  #finish({ fd, path, header }: OpenFile): void {
    const owned = header.uid === this.#uid && header.gid === this.#gid;
    if (!owned) fs.fchownSync(fd, header.uid, header.gid);
    // chown clears setuid, and open(2) applies the umask
    if (header.mode > 0o777 || (header.mode & this.#umask) !== 0) fs.fchmodSync(fd, header.mode);
    this.#xattrs(path, header);
    fs.futimesSync(fd, header.mtime, header.mtime);
    fs.closeSync(fd);
    this.#open = undefined;
  }

  #metadata(path: string, header: TarHeader): void {
    fs.lchownSync(fsPath(path), header.uid, header.gid);
    if (header.type !== 'symlink') fs.chmodSync(fsPath(path), header.mode);
    this.#xattrs(path, header);
    if (header.type !== 'dir') fs.lutimesSync(fsPath(path), header.mtime, header.mtime);
  }

  /** A hard link goes to what this archive has written before, looked up inside the root like every name. */
  #link(path: string, header: TarHeader): void {
    const target = this.#paths.locate(header.linkname);
    const found = fs.lstatSync(fsPath(target), { throwIfNoEntry: false });
    if (!found || found.isDirectory() || this.#whiteouts.has(target))
      throw new BreakoutError(`invalid hardlink ${JSON.stringify(header.name)} -> ${JSON.stringify(header.linkname)}`);
    fs.linkSync(fsPath(target), fsPath(path));
  }

  /** False where the kernel does not let us (a user namespace): such a device could not be used there either. */
  #device(path: string, header: TarHeader): boolean {
    try {
      this.#options
        .sys()
        .mknod(utf8(path), header.mode | (header.type === 'char' ? S_IFCHR : S_IFBLK), header.major, header.minor);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPERM') return false;
      throw error;
    }
  }

  #whiteout(name: string, base: string): void {
    const directory = name.slice(0, name.lastIndexOf(base));
    if (base === OPAQUE) {
      // the directory itself is found (and made) as the parent of something in it
      this.#opaque(this.#paths.locate(`${directory}/x`).slice(0, -2));
      return;
    }
    // aufs' own bookkeeping
    if (base.startsWith(`${WHITEOUT}${WHITEOUT}`)) return;
    const hidden = base.slice(WHITEOUT.length);
    if (hidden === '' || hidden === '.' || hidden === '..')
      throw new BreakoutError(`invalid whiteout ${JSON.stringify(name)}`);
    const path = this.#paths.locate(`${directory}/${hidden}`);
    const found = fs.lstatSync(fsPath(path), { throwIfNoEntry: false });
    if (found) {
      // the layer has something of that name, which hides what is below; a directory must not merge with it
      if (found.isDirectory()) this.#opaque(path);
      return;
    }
    this.#options.sys().mknod(utf8(path), S_IFCHR, 0, 0);
    this.#whiteouts.add(path);
  }

  #opaque(path: string): void {
    this.#options.sys().lsetxattr(utf8(path), `${this.#options.overlayPrefix}overlay.opaque`, Buffer.from('y'));
  }

  #xattrs(path: string, header: TarHeader): void {
    for (const [name, value] of header.xattrs) {
      // What steers overlayfs or a security module is not for images to say.
      const allowed =
        name === 'security.capability' ||
        name.startsWith('system.posix_acl_') ||
        (name.startsWith('user.') && !name.startsWith('user.overlay.'));
      if (!allowed) continue;
      try {
        this.#options.sys().lsetxattr(utf8(path), name, value);
      } catch (error) {
        // the file system has none, or (user.* on what is neither file nor directory) the kernel does not allow them there
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'EOPNOTSUPP' && code !== 'ENOTSUP' && !(code === 'EPERM' && name.startsWith('user.'))) throw error;
      }
    }
  }
}

/** For libc through koffi, which takes UTF-8 strings only. */
function utf8(path: string): string {
  const bytes = Buffer.from(path, 'latin1');
  const decoded = bytes.toString('utf8');
  if (!Buffer.from(decoded, 'utf8').equals(bytes))
    throw new BreakoutError(`${JSON.stringify(path)}: a name that is not UTF-8 cannot have attributes`);
  return decoded;
}
