/** Where Windows has its named pipes. */
export const PIPE_PATH = '\\\\.\\pipe\\';

/** The address of a socket as docker has it; Windows' pipe \\.\pipe\NAME is npipe:////./pipe/NAME. */
export const socketAddress = (path: string): string =>
  path.startsWith(PIPE_PATH) ? `npipe:////./pipe/${path.slice(PIPE_PATH.length)}` : `unix://${path}`;
