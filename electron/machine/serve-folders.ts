import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { FolderReport, SharedFolder } from '../contract/machine.ts';
import type { FolderShare } from './types.ts';
import { fileOwner, findVirtiofsd, startVirtiofsd, type Owner, type Virtiofsd } from './virtiofsd.ts';

export interface ServedFolders {
  /** what the guest is to mount */
  shares: FolderShare[];
  /** a row for each folder; `mounted` is what is expected until the guest says otherwise */
  reports: FolderReport[];
  close(): void;
}

/** Where virtiofsd listens, and what gets what it says. */
interface Places {
  run: string;
  log: string;
}

/**
 * Serves each folder as the driver can: by a program of its own (virtiofs), or by QEMU itself (9p). One that cannot be served is reported,
 * and the machine starts without it.
 */
export async function serveFolders(
  how: FolderReport['how'],
  folders: readonly SharedFolder[],
  { run, log }: Places,
): Promise<ServedFolders> {
  const virtiofsd = how === 'virtiofs' ? findVirtiofsd() : undefined;
  const shares: FolderShare[] = [];
  const reports: FolderReport[] = [];
  const children: (() => void)[] = [];
  for (const [index, folder] of folders.entries()) {
    // by its place among the folders: what the guest says of it names it so
    const tag = `share${index}`;
    try {
      accessSync(folder.path, constants.R_OK | constants.X_OK);
      if (how === 'none') throw new Error(whyNone());
      if (virtiofsd) {
        const share = { how: 'virtiofs' as const, tag, ...folder, socket: join(run, `${tag}.sock`) };
        children.push(await startVirtiofsd(virtiofsd, share, log));
        shares.push(share);
      } else shares.push({ how: '9p', tag, ...folder });
      const ownerLimit = ownersOf(virtiofsd);
      const limits = {
        notify: 'part' as const,
        notifyLimit: virtiofsd ? NOTIFY_LIMIT : NOTIFY_LIMIT_9P,
        ...(ownerLimit && { ownerLimit }),
      };
      reports.push({ ...folder, how, state: 'mounted', ...limits });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      reports.push({ ...folder, how: 'none', state: 'failed', error: why, notify: 'none' });
    }
  }
  return { shares, reports, close: () => children.forEach((end) => end()) };
}

/** Why a QEMU serves no folders, and what to do. */
export const whyNone = (platform: string = process.platform): string =>
  platform === 'win32'
    ? 'QEMU for Windows cannot share folders of this computer with the machine: use a volume, and copy files with docker cp'
    : `this QEMU is built without 9p: install ${platform === 'linux' ? 'the package virtiofsd, or ' : ''}a QEMU that has virtio-9p`;

/** What does not hold of the owners of files, in words. */
export function ownersOf(virtiofsd: Virtiofsd | undefined, owner: Owner = fileOwner()): string | undefined {
  const yours = 'What containers make here belongs to you, whoever they run as';
  if (virtiofsd?.kind === 'qemu' || (!virtiofsd && owner.root))
    return owner.uid === 0 ? undefined : 'What containers make here as root belongs to root: run Berth without sudo.';
  if (owner.uid === 0) return undefined;
  return virtiofsd
    ? `${yours}; to change the owner (chown) has no effect.`
    : `${yours}; to change the owner (chown) is refused: keep the data of databases in volumes.`;
}

export const NOTIFY_LIMIT =
  'what is made or changed on this computer is told as a change of that file, what is removed as a change of its folder; nothing is told below node_modules and .git';

/** See HeldFolders of the engine: the guest tells watchers only of folders that were in use since before they watched. */
export const NOTIFY_LIMIT_9P = `${NOTIFY_LIMIT}; nor below folders that were made after the container’s start, or beyond the first 2,000: there, let watchers look by themselves (CHOKIDAR_USEPOLLING=1, WATCHPACK_POLLING=true)`;
