import { open, rename, rm } from 'node:fs/promises';
import type { Layout } from '../../store/layout.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { LogGate, LogGates } from './gate.ts';
import { identityOf } from './identity.ts';
import { limitsOf, type LogLimits } from './limits.ts';
import { sizeOf } from './rotate.ts';

const NEWLINE = 10;
const BLOCK = 1024 * 1024;

/**
 * Cuts the log of a container that has ended to what its limits let it keep: one that wrote much in a moment was gone before rotation
 * could look. To be called when conmon has ended and before anybody can start the container again. The rest is copied and takes the
 * log's place in one step, so that being killed at any moment loses nothing.
 */
export async function trimLog(layout: Layout, gates: LogGates, record: ContainerRecord): Promise<void> {
  const limits = limitsOf(record);
  if (!limits) return;
  const path = layout.containerLog(record.id);
  const gate = gates.of(path);
  // A rotation that is under way sees that conmon has ended, and puts the log back. One that has just gone by may have put aside much.
  const much = sizeOf(path) > limits.maxSize || sizeOf(`${path}.1`) > limits.maxSize;
  if (gate.isRotating || much) await gate.rotate(() => trim(path, gate, limits));
}

function trim(path: string, gate: LogGate, { maxSize, maxFiles }: LogLimits): Promise<void> {
  return gate.run(async () => {
    await gate.letReadersOpen();
    let budget = maxSize * maxFiles;
    const shorten = async (file: string) => {
      if (sizeOf(file) > budget) await cut(file, sizeOf(file) - budget, gate.replaced.bind(gate));
      budget -= sizeOf(file);
    };
    await shorten(path);
    for (let number = 1; ; number++) {
      const [plain, packed] = [`${path}.${number}`, `${path}.${number}.gz`];
      const files = [plain, packed].filter((file) => sizeOf(file) > 0);
      if (files.length === 0) return;
      // Of a packed file nobody knows any more what it was: at least the limit.
      if (budget < maxSize || number >= maxFiles) for (const file of files) await rm(file, { force: true });
      else if (files.includes(plain)) await shorten(plain);
      else budget -= maxSize;
    }
  });
}

/** Leaves out the first bytes, and what is left of the line they end in. */
async function cut(path: string, bytes: number, replaced: (file: string, by: string) => void): Promise<void> {
  const draft = `${path}.draft`;
  const from = await open(path, 'r');
  const to = await open(draft, 'w', 0o600);
  try {
    const block = Buffer.allocUnsafe(BLOCK);
    let started = false;
    for (let position = bytes - 1; ;) {
      const { bytesRead } = await from.read(block, 0, BLOCK, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      const newline = started ? -1 : block.subarray(0, bytesRead).indexOf(NEWLINE);
      if (!started && newline < 0) continue;
      started = true;
      await to.writeFile(block.subarray(newline + 1, bytesRead));
    }
    await to.sync();
    replaced(await identityOf(from), await identityOf(to));
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await from.close();
    await to.close();
  }
}
