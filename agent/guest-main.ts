import { startupSnapshot } from 'node:v8';
import './namespaces/mount-namespace.ts';
import './run.ts';
import './system/syscalls.ts';
import { start } from './start.ts';

/**
 * The engine in the guest. `node --build-snapshot` keeps the heap with all modules in it, and a start from that does not read, compile
 * and run them again: a second under emulation. So nothing may be read of the machine while modules load: not a file, not the clock,
 * not the environment; nor may a module be loaded that Node cannot keep (build/lazy-modules.ts puts those off).
 */
const run = () => start(process.argv.slice(2));
if (startupSnapshot.isBuildingSnapshot()) startupSnapshot.setDeserializeMainFunction(run);
else run();
