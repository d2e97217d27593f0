import { invalid } from '../../api/errors.ts';
import type { IpamConfig } from '../../api/network.ts';
import { contains, formatCidr, overlaps, parseAddress, parseCidr, type Cidr } from '../../networks/cidr.ts';

/** moby `ValidateIPAM`: every fault, one a line. IPv6 subnets of a network without IPv6 are passed over. */
export function checkIpam(config: readonly IpamConfig[], enableIPv6: boolean): void {
  const faults = config.flatMap((item) => faultsOf(item, enableIPv6));
  if (faults.length > 0) throw invalid(`invalid network config:\n${faults.join('\n')}`);
}

function faultsOf(item: IpamConfig, enableIPv6: boolean): string[] {
  const text = item.Subnet ?? '';
  const parsed = parseCidr(text);
  if (!parsed) return [`invalid subnet ${text}: invalid CIDR block notation`];
  const { network: subnet } = parsed;
  if (subnet.family === 6 && !enableIPv6) return [];
  const faults: string[] = [];
  if (parsed.address.value !== subnet.value) faults.push(`invalid subnet ${text}: it should be ${formatCidr(subnet)}`);
  if (item.IPRange) faults.push(...rangeFaults(item.IPRange, subnet));
  const addresses: [string, string][] = [
    ...(item.Gateway ? [['gateway', item.Gateway] as [string, string]] : []),
    ...Object.values(item.AuxiliaryAddresses ?? {}).map((address): [string, string] => ['auxiliary address', address]),
  ];
  for (const [what, address] of addresses) {
    const fault = addressFault(address, subnet);
    if (fault) faults.push(`invalid ${what} ${address}: ${fault}`);
  }
  return faults;
}

const familyName = (subnet: Cidr): string => `an IPv${subnet.family} block`;

function rangeFaults(text: string, subnet: Cidr): string[] {
  const parsed = parseCidr(text);
  const fault = (why: string) => [`invalid ip-range ${text}: ${why}`];
  if (!parsed) return fault('invalid CIDR block notation');
  const { network: range } = parsed;
  if (range.family !== subnet.family) return fault(`parent subnet is ${familyName(subnet)}`);
  const faults: string[] = [];
  if (parsed.address.value !== range.value) faults.push(...fault(`it should be ${formatCidr(range)}`));
  if (range.prefix < subnet.prefix)
    faults.push(...fault(`CIDR block is bigger than its parent subnet ${formatCidr(subnet)}`));
  else if (!overlaps(range, subnet))
    faults.push(...fault(`parent subnet ${formatCidr(subnet)} doesn't contain ip-range`));
  return faults;
}

function addressFault(text: string, subnet: Cidr): string | undefined {
  const address = parseAddress(text);
  if (!address) return 'invalid address';
  if (address.family !== subnet.family) return `parent subnet is ${familyName(subnet)}`;
  return contains(subnet, address) ? undefined : `parent subnet ${formatCidr(subnet)} doesn't contain this address`;
}
