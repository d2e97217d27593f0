import { testRows } from './testing/run-options/bench.ts';
import { MOUNT_ROWS } from './testing/run-options/mount-rows.ts';

testRows('mounts', MOUNT_ROWS);
