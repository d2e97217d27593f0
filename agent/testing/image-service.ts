import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthConfig, ProgressMessage } from '../api/image.ts';
import type { EngineConfig } from '../services/config.ts';
import { createImages, type Images } from '../services/images/create.ts';
import { Layout } from '../store/layout.ts';
import { syscalls } from '../system/syscalls.ts';

export interface TestImages {
  images: Images;
  root: string;
  /** "image pull busybox:1" … */
  events: string[];
  warnings: string[];
  /** containers by image id, as the test sets them */
  users: Map<string, { id: string; name: string; running: boolean }[]>;
  pull(
    image: string,
    options?: { auth?: AuthConfig; platform?: string; signal?: AbortSignal; tag?: string },
  ): Promise<ProgressMessage[]>;
  close(): Promise<void>;
}

/** The image service on a directory: its own, removed by `close`, unless `root` is given. */
export async function openTestImages(
  options: { root?: string; config?: Partial<EngineConfig> } = {},
): Promise<TestImages> {
  const root = options.root ?? (await mkdtemp(join(tmpdir(), 'berth-images-')));
  const [events, warnings]: [string[], string[]] = [[], []];
  const users: TestImages['users'] = new Map();
  const images = await createImages({
    layout: new Layout(root, join(root, 'run')),
    sys: syscalls(),
    log: {
      info: () => undefined,
      warn: (message) => warnings.push(message),
      error: (message) => warnings.push(message),
    },
    config: {
      registryMirrors: [],
      insecureRegistries: [],
      maxConcurrentDownloads: 3,
      ...options.config,
    } as EngineConfig,
    users: { usersOf: (id) => users.get(id) ?? [] },
    events: { emit: (type, action, id) => events.push(`${type} ${action} ${id}`) },
  });
  return {
    images,
    root,
    events,
    warnings,
    users,
    pull: async (image, request = {}) => {
      const messages: ProgressMessage[] = [];
      const { signal = new AbortController().signal, ...rest } = request;
      await images.pull({ image, ...rest, signal, onProgress: (message) => messages.push(message) });
      return messages;
    },
    close: async () => {
      await images.close();
      if (options.root === undefined) await rm(root, { recursive: true, force: true });
    },
  };
}
