import { Activity, Cpu, FileText, Layers, ScanSearch, SquareTerminal } from '@lucide/vue';

export const tabs = [
  { value: 'logs', label: 'Logs', icon: FileText },
  { value: 'stats', label: 'Stats', icon: Activity },
  { value: 'terminal', label: 'Terminal', icon: SquareTerminal },
  { value: 'inspect', label: 'Inspect', icon: ScanSearch },
  { value: 'processes', label: 'Processes', icon: Cpu },
  { value: 'isolation', label: 'Isolation', icon: Layers },
] as const;
export type TabName = (typeof tabs)[number]['value'];

/** The tab that an address names; logs when it names none. */
export const tabOf = (name: string | undefined): TabName => tabs.find(({ value }) => value === name)?.value ?? 'logs';
