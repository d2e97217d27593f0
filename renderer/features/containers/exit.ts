/** Signals by number, as on Linux for all but a few architectures (signal(7)). */
const signals: Record<number, string> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};
const reasons: Record<number, string> = {
  1: 'it was interrupted: its terminal went away',
  2: 'it was interrupted',
  6: 'it gave up by itself',
  9: 'it was killed',
  11: 'it used memory that is not its own',
  15: 'it was asked to stop',
};

/** What an exit code means, where shells and the kernel give it one; '' where only the program knows. */
export function exitMeaning(code: number): string {
  if (code === 0) return 'it ended well';
  if (code === 125) return 'the container could not be run';
  if (code === 126) return 'its command may not be executed';
  if (code === 127) return 'its command was not found';
  const signal = signals[code - 128];
  if (!signal) return '';
  const reason = reasons[code - 128];
  return reason ? `${reason} (${signal})` : `ended by ${signal}`;
}

/** A stop by a user ends a program so: no failure. */
export const isFailure = (code: number): boolean => code !== 0 && code !== 143 && code !== 130;
