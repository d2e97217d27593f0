import type { ContainerRow, EngineStatus, ImageRow } from '../../electron/contract/model.ts';
import { readStatus } from '../../electron/contract/status-text.ts';

let count = 0;
const nextId = () => (++count).toString(16).padStart(64, '0');

/** A container for a test; what the test is about is given. */
export function aContainer(given: Partial<ContainerRow> = {}): ContainerRow {
  const id = nextId();
  return {
    id,
    name: `c${count}`,
    image: 'busybox',
    imageId: 'sha256:1',
    command: 'sh',
    state: 'running',
    status: 'Up 1 second',
    ...readStatus(given.status ?? 'Up 1 second'),
    created: count,
    ports: [],
    labels: {},
    networks: [],
    mounts: [],
    ...given,
  };
}

export function anImage(given: Partial<ImageRow> = {}): ImageRow {
  return { id: `sha256:${nextId()}`, tags: [], digests: [], created: 0, size: 1000, usedBy: [], ...given };
}

export const readyEngine: EngineStatus = {
  state: 'ready',
  endpoint: 'unix:///run/berth.sock',
  version: '0.1.0',
  kernel: '6.18',
  cgroupVersion: '1',
  memory: 2 ** 34,
  cpus: 2,
  warnings: [],
};
