import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineImage } from './image.ts';
import type { MachineConfig, MachineDriver, MachineProcess } from './types.ts';

/** Names a kept start by all that it was made of: when any of it changes, the machine boots, and its start is kept anew. */
function keyOf(driver: MachineDriver, image: MachineImage, config: MachineConfig): string | undefined {
  const key = driver.capabilities.keepsStarts ? driver.startKey(config) : undefined;
  return key && createHash('sha256').update(`${image.digest} ${key}`).digest('hex').slice(0, 16);
}

/**
 * States of guests that were prepared and knew nothing yet of one machine or one start (vm-assets/rootfs/usr/lib/berth/prepare): a
 * start goes on from one of them instead of booting. One is kept, of the last kind of start.
 */
export class KeptStarts {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The directory of the start that this one can go on from. */
  find(driver: MachineDriver, image: MachineImage, config: MachineConfig): string | undefined {
    const key = keyOf(driver, image, config);
    return key !== undefined && existsSync(join(this.#directory, key)) ? join(this.#directory, key) : undefined;
  }

  /**
   * Of a machine whose guest is prepared. Resolves as soon as it can go on, with why it could not be kept, which hinders nothing; the
   * state counts once it is safe on the disk.
   */
  async keep(
    driver: MachineDriver,
    image: MachineImage,
    config: MachineConfig,
    process: MachineProcess,
  ): Promise<string | undefined> {
    const key = keyOf(driver, image, config);
    if (key === undefined) return undefined;
    this.forget();
    const work = join(this.#directory, `.${randomBytes(6).toString('hex')}`);
    try {
      mkdirSync(work, { recursive: true, mode: 0o700 });
      await process.keepStart(work);
    } catch (error) {
      rmSync(work, { recursive: true, force: true });
      return error instanceof Error ? error.message : String(error);
    }
    syncAll(work)
      .then(() => renameSync(work, join(this.#directory, key)))
      .catch(() => rmSync(work, { recursive: true, force: true }));
    return undefined;
  }

  /** What no start can go on from. */
  forget(): void {
    if (!existsSync(this.#directory)) return;
    for (const name of readdirSync(this.#directory))
      rmSync(join(this.#directory, name), { recursive: true, force: true });
  }
}

async function syncAll(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const file = await open(join(directory, name), 'r');
    await file.sync().finally(() => file.close());
  }
}
