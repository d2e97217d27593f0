import type { VolumeCreateRequest, VolumeInspect } from '../api/network.ts';
import type { Filters } from '../http/query.ts';

/** What containers need of volumes. */
export interface VolumeSource {
  /** Finds or makes the volume; with no name an anonymous one (64 hex digits, label com.docker.volume.anonymous). */
  ensure(request: VolumeCreateRequest, maker?: string): Promise<VolumeInspect>;
  /** Removes the anonymous volumes made for a container that never came to be. */
  removeMadeFor(container: string): Promise<void>;
  find(name: string): VolumeInspect | undefined;
  remove(name: string): Promise<void>;
  /** Copies `from` (the image's content at the mount point) into a volume that is still empty, with ownership. */
  copyUp(name: string, from: string): Promise<void>;
  /**
   * Mounts those of these volumes that have a device of their own (tmpfs, nfs …): at create, and before `container` starts. May be
   * called again.
   */
  use?(names: readonly string[], container?: string): Promise<void>;
  /** After `container` has stopped: unmounts what no other uses. */
  release?(container: string): Promise<void>;
}

export interface VolumeUsers {
  /** ids of containers that mount the volume */
  usersOf(volume: string): string[];
}

/** What the volumes router calls. */
export interface VolumeBackend {
  list(filters: Filters): Promise<{ Volumes: VolumeInspect[]; Warnings: string[] | null }>;
  inspect(name: string): Promise<VolumeInspect>;
  create(request: VolumeCreateRequest): Promise<VolumeInspect>;
  remove(name: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }>;
}
