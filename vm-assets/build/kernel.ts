import { zstdDecompressSync } from 'node:zlib';

const PROTOCOL = 0x206;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SETUP_SECTORS = 0x1f1;

/**
 * The ELF file inside an x86 bzImage (Documentation/arch/x86/boot.rst). QEMU starts it by its PVH entry, which saves the guest the
 * seconds that decompressing itself costs under emulation. Throws when the payload is compressed in another way than zstd, Debian's.
 */
export function vmlinuxOf(bzImage: Buffer): Buffer {
  if (bzImage.toString('latin1', 0x202, 0x206) !== 'HdrS') throw new Error('the kernel is no bzImage');
  if (bzImage.readUInt16LE(PROTOCOL) < 0x208) throw new Error("the kernel's boot protocol is older than 2.08");
  const protectedMode = ((bzImage[SETUP_SECTORS] || 4) + 1) * 512;
  const start = protectedMode + bzImage.readUInt32LE(PAYLOAD_OFFSET);
  // the last four bytes are the size of what comes out, and not zstd's
  const payload = bzImage.subarray(start, start + bzImage.readUInt32LE(PAYLOAD_LENGTH) - 4);
  if (payload.readUInt32BE(0) !== 0x28b52ffd) throw new Error("the kernel's payload is not compressed with zstd");
  const elf = zstdDecompressSync(payload, { maxOutputLength: 2 ** 28 });
  if (elf.readUInt32BE(0) !== 0x7f454c46) throw new Error("the kernel's payload is no ELF file");
  return elf;
}
