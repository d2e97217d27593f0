import type { ContainerRow } from '../../../electron/contract/model.ts';
import { confirm } from '../../ui/confirm.ts';
import { isLive } from './rules.ts';
import type { useContainersStore } from './store.ts';

/** Says what a removal takes away, asks, and does it. True when it was done. */
export async function askRemove(
  rows: ContainerRow[],
  store: Pick<ReturnType<typeof useContainersStore>, 'act'>,
): Promise<boolean> {
  if (rows.length === 0) return false;
  const live = rows.filter((row) => isLive(row.state)).length;
  const subject = rows.length === 1 ? 'This container' : `These ${rows.length} containers`;
  const killed =
    live === 0
      ? ''
      : rows.length === 1
        ? ' It is running and will be killed.'
        : ` ${live} of them ${live === 1 ? 'is' : 'are'} running and will be killed.`;
  const answer = await confirm({
    title: rows.length === 1 ? `Remove ${rows[0]?.name}?` : `Remove ${rows.length} containers?`,
    text: `${subject}, with its files and logs, will be gone. Images and named volumes stay.${killed}`.replace(
      'with its',
      rows.length === 1 ? 'with its' : 'with their',
    ),
    items: rows.map((row) => ({ name: row.name, note: isLive(row.state) ? 'running: will be killed' : 'stopped' })),
    options: [
      {
        name: 'volumes',
        label: 'Also remove anonymous volumes',
        hint: 'Volumes without a name that no other container uses',
      },
    ],
    action: rows.length === 1 ? 'Remove' : `Remove ${rows.length}`,
    danger: true,
  });
  if (!answer) return false;
  await store.act(
    'remove',
    rows.map((row) => row.id),
    { volumes: answer['volumes'] ?? false },
  );
  return true;
}
