import { gzipSync } from 'node:zlib';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpioOf } from '../../vm-assets/build/cpio.ts';

export const LINE = 'berth: step init 0.0\n';

const BASE = 0x400000;
const HEADERS = 64 + 56;

/** Writes the line on the console, then pause(2) for ever: x86-64 machine code, 39 bytes. */
function code(): Buffer {
  const text = Buffer.from(LINE, 'latin1');
  const program = Buffer.from([
    ...[0xb8, 1, 0, 0, 0], // mov eax, write
    ...[0xbf, 1, 0, 0, 0], // mov edi, stdout
    ...[0x48, 0x8d, 0x35, 16, 0, 0, 0], // lea rsi, [rip + text]
    ...[0xba, text.length, 0, 0, 0], // mov edx, length
    ...[0x0f, 0x05], // syscall
    ...[0xb8, 34, 0, 0, 0], // mov eax, pause
    ...[0x0f, 0x05], // syscall
    ...[0xeb, 0xf7], // jmp back to pause
  ]);
  return Buffer.concat([program, text]);
}

/** A static ELF program of one segment. */
function idleProgram(): Buffer {
  const body = code();
  const elf = Buffer.alloc(HEADERS);
  elf.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(62, 18); // x86-64
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(BASE + HEADERS), 24); // entry
  elf.writeBigUInt64LE(64n, 32); // program headers
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // load
  elf.writeUInt32LE(5, 68); // read, execute
  elf.writeBigUInt64LE(BigInt(BASE), 80);
  elf.writeBigUInt64LE(BigInt(BASE), 88);
  elf.writeBigUInt64LE(BigInt(HEADERS + body.length), 96);
  elf.writeBigUInt64LE(BigInt(HEADERS + body.length), 104);
  elf.writeBigUInt64LE(4096n, 112);
  return Buffer.concat([elf, body]);
}

/** An initial RAM disk whose init does nothing but say that it runs: the least that the kernel can start. */
export function idleInitrd(): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'berth-idle-'));
  try {
    mkdirSync(join(directory, 'dev'));
    writeFileSync(join(directory, 'init'), idleProgram());
    chmodSync(join(directory, 'init'), 0o755);
    return gzipSync(cpioOf(directory));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
