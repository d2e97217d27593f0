import { describeFailing } from './testing/steps/each-step.ts';
import { NAMES } from './testing/steps/operations.ts';

describeFailing(NAMES.containers);
