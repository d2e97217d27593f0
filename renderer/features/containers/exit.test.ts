import { expect, test } from 'vitest';
import { exitMeaning, isFailure } from './exit.ts';

test.each([
  [0, 'it ended well', false],
  [1, '', true],
  [126, 'its command may not be executed', true],
  [127, 'its command was not found', true],
  [130, 'it was interrupted (SIGINT)', false],
  [136, 'ended by SIGFPE', true],
  [137, 'it was killed (SIGKILL)', true],
  [143, 'it was asked to stop (SIGTERM)', false],
  [200, '', true],
])('exit code %i', (code, meaning, failure) => {
  expect(exitMeaning(code)).toBe(meaning);
  expect(isFailure(code)).toBe(failure);
});
