/** The OCI runtime refused: what it said, and what Docker's clients expect to read and to get as an exit code. */
export class RuntimeFailure extends Error {
  /** 127 not found, 126 not to be executed, 128 anything else */
  readonly exitCode: number;
  /** the fault is in the request (what is to be run), not in the system */
  readonly faultOfRequest: boolean;

  constructor(message: string, exitCode: number, faultOfRequest: boolean, cause?: unknown) {
    super(message, { cause });
    this.name = 'RuntimeFailure';
    this.exitCode = exitCode;
    this.faultOfRequest = faultOfRequest;
  }
}

const MOUNT_HINT =
  ': Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type';

/** Puts what crun or runc said into the words that runc, and so Docker, has for it. `argv0` is what was to be run. */
export function normalise(said: string, argv0: string): { text: string; exitCode: number; faultOfRequest: boolean } {
  // Go, and so dockerd, writes the kernel's reasons in small letters, and the docker command takes its exit code from them.
  const text = said
    .trim()
    .replace(/: ([A-Z])(?=[a-z]+( [a-z]+)*$)/, (_all, first: string) => `: ${first.toLowerCase()}`);
  if (argv0 === '')
    return { text: 'exec: "": executable file not found in $PATH', exitCode: 127, faultOfRequest: true };
  const missing =
    /executable file [`"'](.*?)[`"'] not found/.exec(text) ?? /exec: "(.*?)": executable file not found/.exec(text);
  if (missing || (/no such file or directory/i.test(text) && mentions(text, argv0))) {
    const name = missing?.[1] || argv0;
    const why = name.includes('/') ? `stat ${name}: no such file or directory` : 'executable file not found in $PATH';
    return { text: `exec: "${name}": ${why}`, exitCode: 127, faultOfRequest: true };
  }
  if (/permission denied/i.test(text) && /open executable|exec|cannot execute/i.test(text))
    return { text: `exec: "${argv0}": permission denied`, exitCode: 126, faultOfRequest: true };
  // What crun says of what is no file, which as a rule is a directory.
  if (/open executable.*operation not permitted/i.test(text) || text.includes(`"${argv0}": is a directory`))
    return { text: `exec: "${argv0}": is a directory`, exitCode: 126, faultOfRequest: true };
  if (/permission denied/i.test(text)) return { text, exitCode: 126, faultOfRequest: true };
  if (/exec format error/i.test(text))
    return { text: `exec ${argv0}: exec format error`, exitCode: 255, faultOfRequest: false };
  if (/not a directory/i.test(text)) return { text: text + MOUNT_HINT, exitCode: 127, faultOfRequest: true };
  return { text, exitCode: 128, faultOfRequest: false };
}

function mentions(text: string, argv0: string): boolean {
  return text.includes(`exec: "${argv0}"`) || text.includes(`exec ${argv0}`);
}

/** The failure of making or starting a container, as `docker run` shows it. */
export function createFailure(runtime: string, said: string, argv0: string, cause?: unknown): RuntimeFailure {
  const { text, exitCode, faultOfRequest } = normalise(withoutPrefix(said), argv0);
  return new RuntimeFailure(
    `failed to create task for container: failed to create shim task: OCI runtime create failed: ${runtime} create failed: unable to start container process: ${text}: unknown`,
    exitCode,
    faultOfRequest,
    cause,
  );
}

/** The failure of an exec, as `docker exec` shows it. */
export function execFailure(said: string, argv0: string, cause?: unknown): RuntimeFailure {
  const { text, exitCode, faultOfRequest } = normalise(withoutPrefix(said), argv0);
  return new RuntimeFailure(
    `OCI runtime exec failed: exec failed: unable to start container process: ${text}: unknown`,
    exitCode,
    faultOfRequest,
    cause,
  );
}

/** runc already says where it failed. */
function withoutPrefix(said: string): string {
  return said.replace(
    /^.*?(?:runc (?:create|run|exec) failed|exec failed): (?:unable to start container process: )?/s,
    '',
  );
}

/** The message of the runtime's `--log-format json` file: its last error, which is the outermost. */
export function lastLoggedError(log: string): string | undefined {
  let found: string | undefined;
  for (const line of log.split('\n')) {
    if (line === '') continue;
    try {
      const entry = JSON.parse(line) as { level?: string; msg?: string };
      if ((entry.level === 'error' || entry.level === 'fatal') && entry.msg) found = entry.msg;
    } catch {
      found ??= line;
    }
  }
  return found;
}
