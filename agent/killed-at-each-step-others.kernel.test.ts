import { describeKilled } from './testing/steps/each-step.ts';
import { NAMES } from './testing/steps/operations.ts';

describeKilled(NAMES.others);
