import type { Column } from '../../ui/index.ts';

/** The name takes what the others leave. */
export const columns: Column[] = [
  { key: 'name', label: 'Name', sortable: true },
  { key: 'state', label: 'State', width: 140, sortable: true },
  { key: 'image', label: 'Image', width: 168, sortable: true },
  { key: 'ports', label: 'Ports', width: 112 },
  { key: 'cpu', label: 'CPU', width: 106, sortable: true },
  { key: 'memory', label: 'Memory', width: 120, sortable: true },
  { key: 'created', label: 'Created', width: 118, sortable: true, hideBelow: 1180 },
  { key: 'actions', label: 'Actions', width: 80, hideLabel: true, align: 'end' },
];
