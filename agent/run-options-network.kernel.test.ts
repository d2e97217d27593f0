import { testRows } from './testing/run-options/bench.ts';
import { METADATA_ROWS } from './testing/run-options/metadata-rows.ts';
import { NETWORK_ROWS } from './testing/run-options/network-rows.ts';

testRows('network and metadata', [...METADATA_ROWS, ...NETWORK_ROWS]);
