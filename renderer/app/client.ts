import type { ContractRouterClient } from '@orpc/contract';
import type { contract } from '../../electron/contract/contract.ts';

/** Everything the window can ask of the host: one function per procedure of the contract. */
export type Client = ContractRouterClient<typeof contract>;

let current: Client | undefined;

/** Names the client that `useClient()` gives from now on: the connection of the application, or a test's fake. */
export function setClient(client: Client): void {
  current = client;
}

/** The host, as stores and components call it. */
export function useClient(): Client {
  if (!current) throw new Error('no client: call setClient() first');
  return current;
}
