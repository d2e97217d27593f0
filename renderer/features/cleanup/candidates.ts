import type { DiskUsage } from '../../../electron/contract/model.ts';

export type Kind = 'containers' | 'dangling' | 'images' | 'anonymous' | 'volumes' | 'networks';
export interface Candidate {
  id: string;
  /** what it is removed by, where that is not its id: an image goes with the last of its tags */
  references?: string[];
  name: string;
  /** bytes; 0 where it takes none or it is not known */
  size: number;
}
export interface Group {
  kind: Kind;
  label: string;
  hint: string;
  items: Candidate[];
}

const bySize = (a: Candidate, b: Candidate) => b.size - a.size || a.name.localeCompare(b.name);

/** What is not needed by anything that is there, in groups one may do without. Nothing is in two groups. */
export function candidatesOf(usage: DiskUsage): Group[] {
  const image = ({ id, tags, own }: DiskUsage['images'][number]) => ({
    id,
    name: tags.join(', ') || id.replace('sha256:', '').slice(0, 12),
    ...(tags.length > 0 ? { references: tags } : {}),
    size: own,
  });
  const volume = ({ name, size }: DiskUsage['volumes'][number]) => ({ id: name, name, size: Math.max(0, size) });
  const images = usage.images.filter((each) => !each.used);
  const volumes = usage.volumes.filter((each) => each.usedBy.length === 0);
  const groups: Group[] = [
    {
      kind: 'containers',
      label: 'Stopped containers',
      hint: 'With their files and logs; their volumes stay',
      items: usage.containers.filter(({ live }) => !live).map(({ id, name, size }) => ({ id, name, size })),
    },
    {
      kind: 'dangling',
      label: 'Untagged images',
      hint: 'Replaced by newer ones of the same name',
      items: images.filter(({ tags }) => tags.length === 0).map(image),
    },
    {
      kind: 'images',
      label: 'Images that no container uses',
      hint: 'They are pulled again when they are needed',
      items: images.filter(({ tags }) => tags.length > 0).map(image),
    },
    {
      kind: 'anonymous',
      label: 'Anonymous volumes that no container uses',
      hint: 'Their files cannot be brought back',
      items: volumes.filter(({ anonymous }) => anonymous).map(volume),
    },
    {
      kind: 'volumes',
      label: 'Named volumes that no container uses',
      hint: 'Their files cannot be brought back. Named volumes are mostly kept on purpose',
      items: volumes.filter(({ anonymous }) => !anonymous).map(volume),
    },
    {
      kind: 'networks',
      label: 'Networks that no container uses',
      hint: '',
      items: usage.networks.filter(({ used }) => !used).map(({ id, name }) => ({ id, name, size: 0 })),
    },
  ];
  return groups.map((group) => ({ ...group, items: group.items.sort(bySize) }));
}

export const sizeOf = (items: readonly Candidate[]): number => items.reduce((sum, { size }) => sum + size, 0);
