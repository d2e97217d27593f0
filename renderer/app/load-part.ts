const pausesMs = [150, 400, 1_000, 2_000, 4_000];
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Loads a part of the window that comes by itself, and does not give up at once: a container that starts or stops changes the
 * machine's network, and Chromium fails whatever it is fetching at that moment (ERR_NETWORK_CHANGED), also from this machine.
 */
export async function loadPart<T>(load: () => Promise<T>, pause: (ms: number) => Promise<void> = wait): Promise<T> {
  for (const ms of pausesMs) {
    try {
      return await load();
    } catch {
      await pause(ms);
    }
  }
  return load();
}
