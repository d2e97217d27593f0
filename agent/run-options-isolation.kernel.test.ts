import { testRows } from './testing/run-options/bench.ts';
import { ISOLATION_ROWS } from './testing/run-options/isolation-rows.ts';
import { NAMESPACE_ROWS } from './testing/run-options/namespace-rows.ts';
import { LIMIT_ROWS } from './testing/run-options/limit-rows.ts';

testRows('limits and isolation', [...LIMIT_ROWS, ...ISOLATION_ROWS, ...NAMESPACE_ROWS], {
  config: { 'cpu-rt-period': 1_000_000, 'cpu-rt-runtime': 20_000 },
});
