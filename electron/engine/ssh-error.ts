/** An ssh connection to an engine failed as can be expected: what happened, and what the user can do. */
export class SshError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'SshError';
    this.hint = hint;
  }
}
