import { testRows } from './testing/run-options/bench.ts';
import { PROCESS_ROWS } from './testing/run-options/process-rows.ts';
import { USER_ROWS } from './testing/run-options/user-rows.ts';

testRows('the process', [...PROCESS_ROWS, ...USER_ROWS]);
