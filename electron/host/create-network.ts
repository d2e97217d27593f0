import type { NetworkCreateRequest } from '../../agent/api/network.ts';
import type { NewNetwork } from '../contract/contract.ts';
import type { EngineClient } from '../engine/client.ts';
import { HostError, toAppError } from './failures.ts';

/** Makes a bridge network as `docker network create` does. A refusal names the field it is about. */
export async function createNetwork(client: EngineClient, wanted: NewNetwork): Promise<void> {
  const name = wanted.name.trim();
  const subnet = wanted.subnet.trim();
  const gateway = wanted.gateway.trim();
  if (!name) throw new HostError({ code: 'invalid-input', message: 'A network needs a name.', field: 'name' });
  if (gateway && !subnet)
    throw new HostError({ code: 'invalid-input', message: 'Say which subnet the gateway is in.', field: 'subnet' });
  const body: NetworkCreateRequest = { Name: name, CheckDuplicate: true, Driver: 'bridge', Internal: wanted.internal };
  if (wanted.ipv6) body.EnableIPv6 = true;
  if (subnet) body.IPAM = { Driver: 'default', Config: [{ Subnet: subnet, ...(gateway ? { Gateway: gateway } : {}) }] };
  try {
    await client.createNetwork(body);
  } catch (error) {
    const failure = toAppError(error);
    throw new HostError({ ...failure, ...fieldOf(failure.message) });
  }
}

function fieldOf(message: string): { field?: string } {
  if (/gateway/i.test(message)) return { field: 'gateway' };
  if (/ipv6/i.test(message)) return { field: 'ipv6' };
  if (/subnet|pool|cidr|address space/i.test(message)) return { field: 'subnet' };
  if (/name|already exists|predefined/i.test(message)) return { field: 'name' };
  return {};
}
