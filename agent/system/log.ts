/** The engine's own log: one line a message on stderr. Never credentials. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string, cause?: unknown): void;
}

function line(level: string, message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${level} ${message}\n`);
}

export const stderrLog: Log = {
  info: (message) => line('info', message),
  warn: (message) => line('warn', message),
  error: (message, cause) =>
    line('error', cause instanceof Error ? `${message}: ${cause.stack ?? cause.message}` : message),
};
