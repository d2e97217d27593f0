import {
  CirclePause,
  CirclePlay,
  Copy,
  FileText,
  OctagonX,
  Pencil,
  Play,
  RotateCw,
  Square,
  SquareTerminal,
  Trash2,
} from '@lucide/vue';
import type { Component } from 'vue';
import type { ContainerRow } from '../../../electron/contract/model.ts';
import type { MenuEntry } from '../../ui/index.ts';
import { isAllowed } from './rules.ts';
import type { Verb } from './rules.ts';

export const verbs: { verb: Verb; label: string; icon: Component; danger?: boolean }[] = [
  { verb: 'start', label: 'Start', icon: Play },
  { verb: 'stop', label: 'Stop', icon: Square },
  { verb: 'restart', label: 'Restart', icon: RotateCw },
  { verb: 'pause', label: 'Pause', icon: CirclePause },
  { verb: 'unpause', label: 'Unpause', icon: CirclePlay },
  { verb: 'kill', label: 'Kill', icon: OctagonX },
  { verb: 'remove', label: 'Remove', icon: Trash2, danger: true },
];

/** What a row's menu offers: only what the engine accepts for a container in this state. */
export function rowMenu(
  row: ContainerRow,
  on: { act: (verb: Verb) => void; open: (tab: 'logs' | 'terminal') => void; rename: () => void; copyId: () => void },
): MenuEntry[] {
  const entries: MenuEntry[] = verbs
    .filter(({ verb }) => verb !== 'remove' && isAllowed(verb, row.state))
    .map(({ verb, label, icon }) => ({ label, icon, run: () => on.act(verb) }));
  entries.push({ label: 'Logs', icon: FileText, separator: true, run: () => on.open('logs') });
  if (row.state === 'running')
    entries.push({ label: 'Terminal', icon: SquareTerminal, run: () => on.open('terminal') });
  entries.push(
    { label: 'Rename…', icon: Pencil, separator: true, run: on.rename },
    { label: 'Copy id', icon: Copy, run: on.copyId },
    {
      label: 'Remove…',
      icon: Trash2,
      danger: true,
      separator: true,
      disabled: !isAllowed('remove', row.state),
      run: () => on.act('remove'),
    },
  );
  return entries;
}
