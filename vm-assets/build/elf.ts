import { closeSync, openSync, readSync } from 'node:fs';

const DT_NULL = 0n;
const DT_NEEDED = 1n;
const SHT_DYNAMIC = 6;

/** The names in an ELF file's DT_NEEDED entries (elf(5)); empty when it is no 64-bit little-endian ELF file, or a static one. */
export function neededLibraries(path: string): string[] {
  const fd = openSync(path, 'r');
  try {
    const at = (offset: number, length: number) => {
      const buffer = Buffer.alloc(length);
      return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
    };
    const header = at(0, 64);
    if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) return [];
    const size = header.readUInt16LE(58);
    if (size === 0) return [];
    const sections = at(Number(header.readBigUInt64LE(40)), size * header.readUInt16LE(60));
    for (let offset = 0; offset + size <= sections.length; offset += size) {
      if (sections.readUInt32LE(offset + 4) !== SHT_DYNAMIC) continue;
      const place = (section: number) =>
        at(Number(sections.readBigUInt64LE(section + 24)), Number(sections.readBigUInt64LE(section + 32)));
      const strings = place(sections.readUInt32LE(offset + 40) * size);
      return needed(place(offset), strings);
    }
    return [];
  } finally {
    closeSync(fd);
  }
}

function needed(dynamic: Buffer, strings: Buffer): string[] {
  const names: string[] = [];
  for (let entry = 0; entry + 16 <= dynamic.length; entry += 16) {
    const tag = dynamic.readBigUInt64LE(entry);
    if (tag === DT_NULL) break;
    if (tag !== DT_NEEDED) continue;
    const start = Number(dynamic.readBigUInt64LE(entry + 8));
    names.push(strings.toString('latin1', start, strings.indexOf(0, start)));
  }
  return names;
}

/** The part of an ELF program that is loaded (its segments), without the table of sections and what only that leads to. */
export function loadedPart(elf: Buffer): Buffer {
  if (elf.readUInt32BE(0) !== 0x7f454c46) throw new Error('this is no ELF file');
  const table = Number(elf.readBigUInt64LE(32));
  const size = elf.readUInt16LE(54);
  let end = 64;
  for (let index = 0; index < elf.readUInt16LE(56); index++) {
    const at = table + index * size;
    end = Math.max(end, Number(elf.readBigUInt64LE(at + 8) + elf.readBigUInt64LE(at + 32)));
  }
  const part = Buffer.from(elf.subarray(0, end));
  part.writeBigUInt64LE(0n, 40); // where the sections' table was
  part.fill(0, 58, 64); // its entries' size, their count, the names' place
  return part;
}
