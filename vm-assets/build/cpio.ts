import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** One entry of an initial RAM disk. `mode` includes the type. */
interface Entry {
  name: string;
  mode: number;
  content: Uint8Array;
}

/**
 * The folder as a cpio archive in the "newc" format that the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst).
 * Only names, modes and contents go in, in the order of their names: the same folder gives the same bytes.
 */
export function cpioOf(directory: string): Buffer {
  const parts = entriesOf(directory, '').map((entry, index) => record(entry, index + 1));
  parts.push(record({ name: 'TRAILER!!!', mode: 0, content: new Uint8Array() }, 0));
  return Buffer.concat(parts);
}

function entriesOf(directory: string, prefix: string): Entry[] {
  return readdirSync(directory)
    .sort()
    .flatMap((base): Entry[] => {
      const path = join(directory, base);
      const name = prefix + base;
      const info = lstatSync(path);
      if (info.isDirectory())
        return [{ name, mode: 0o040755, content: new Uint8Array() }, ...entriesOf(path, `${name}/`)];
      if (info.isSymbolicLink()) return [{ name, mode: 0o120777, content: Buffer.from(readlinkSync(path)) }];
      return [{ name, mode: 0o100000 | (info.mode & 0o111 ? 0o755 : 0o644), content: readFileSync(path) }];
    });
}

const padded = (data: Buffer) => Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);

function record({ name, mode, content }: Entry, inode: number): Buffer {
  const links = (mode & 0o170000) === 0o040000 ? 2 : 1;
  // magic, then: inode mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return Buffer.concat([padded(Buffer.from(header)), padded(Buffer.from(content))]);
}
