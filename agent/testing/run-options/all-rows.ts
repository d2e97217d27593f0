import { ISOLATION_ROWS } from './isolation-rows.ts';
import { LIMIT_ROWS } from './limit-rows.ts';
import { METADATA_ROWS } from './metadata-rows.ts';
import { MOUNT_ROWS } from './mount-rows.ts';
import { NAMESPACE_ROWS } from './namespace-rows.ts';
import { NETWORK_ROWS } from './network-rows.ts';
import { PROCESS_ROWS } from './process-rows.ts';
import type { OptionRow } from './row.ts';
import { USER_ROWS } from './user-rows.ts';

/** The rows of all files. */
export const RUN_OPTION_ROWS: readonly OptionRow[] = [
  ...PROCESS_ROWS,
  ...USER_ROWS,
  ...LIMIT_ROWS,
  ...ISOLATION_ROWS,
  ...NAMESPACE_ROWS,
  ...MOUNT_ROWS,
  ...NETWORK_ROWS,
  ...METADATA_ROWS,
];
