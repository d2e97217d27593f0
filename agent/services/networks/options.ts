import { EngineError, invalid } from '../../api/errors.ts';
import { parseAddress } from '../../networks/cidr.ts';
import { OPTION } from '../../networks/network-record.ts';

/** What the bridge driver's options say, with Docker's defaults. */
export interface BridgeOptions {
  /** bytes; 0 is the kernel's default */
  mtu: number;
  icc: boolean;
  masquerade: boolean;
  /** where ports are published that name no address; undefined is every address of the host */
  hostBinding: string | undefined;
  /** "eth" of "eth0" */
  interfacePrefix: string;
  /** addresses that outgoing connections show, instead of the one of the interface they leave by */
  source: { v4: string | undefined; v6: string | undefined };
  /** without NAT: containers are reached at their own addresses, and ports are not published on the host's */
  routed: { v4: boolean; v6: boolean };
}

type Values = Readonly<Record<string, string>>;
const wrong = (key: string, value: string, why: string) => invalid(`failed to parse ${key} value: ${value} (${why})`);
const syntax = (parser: string, value: string) => `strconv.${parser}: parsing ${JSON.stringify(value)}: invalid syntax`;

/** Go's strconv.ParseBool. */
function boolean(values: Values, key: string, otherwise: boolean): boolean {
  const value = values[key];
  if (value === undefined) return otherwise;
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw wrong(key, value, syntax('ParseBool', value));
}

function address(values: Values, key: string): string | undefined {
  const value = values[key];
  if (value !== undefined && !parseAddress(value)) throw wrong(key, value, 'nil ip');
  return value;
}

function mtu(values: Values): number {
  const value = values[OPTION.mtu];
  if (value === undefined) return 0;
  if (!/^[+-]?\d{1,9}$/.test(value)) throw wrong(OPTION.mtu, value, syntax('Atoi', value));
  if (Number(value) < 0) throw invalid(`invalid MTU number: ${value}`);
  return Number(value);
}

/** `nat-unprotected` is `nat` here: ports that are not published are not closed to who routes to the container's address. */
function routed(values: Values, key: string, internal: boolean): boolean {
  const value = values[key];
  if (value === undefined || value === 'nat' || value === 'nat-unprotected') return false;
  if (value === 'routed') return true;
  if (value !== 'isolated') throw wrong(key, value, `unknown gateway mode ${value}`);
  if (!internal) throw new EngineError('system', "gateway mode 'isolated' can only be used for an internal network");
  throw new EngineError('not-implemented', "gateway mode 'isolated' is not supported: use 'nat' with --internal");
}

/** Throws what Docker refuses, and what is not supported here. Options of no meaning to the driver are passed over, as Docker does. */
export function bridgeOptions(values: Values, internal = false): BridgeOptions {
  if (boolean(values, OPTION.inhibitIPv4, false))
    throw new EngineError('not-implemented', `${OPTION.inhibitIPv4} is not supported`);
  const name = values[OPTION.bridgeName];
  if (name !== undefined && name !== '' && !/^[^\s/.:][^\s/:]{0,14}$/.test(name))
    throw invalid(`invalid bridge name: ${name}`);
  const prefix = values[OPTION.interfacePrefix];
  if (prefix !== undefined && !/^[^\s/.:][^\s/:]{0,11}$/.test(prefix))
    throw invalid(`invalid prefix of interface names: ${prefix}`);
  return {
    mtu: mtu(values),
    icc: boolean(values, OPTION.icc, true),
    masquerade: boolean(values, OPTION.masquerade, true),
    hostBinding: address(values, OPTION.hostBinding),
    interfacePrefix: prefix ?? 'eth',
    source: { v4: address(values, OPTION.hostIPv4), v6: address(values, OPTION.hostIPv6) },
    routed: { v4: routed(values, OPTION.gatewayIPv4, internal), v6: routed(values, OPTION.gatewayIPv6, internal) },
  };
}

/** `com.docker.network.enable_ipv4` and `…6`: what the request itself does not say. */
export function familyOption(
  values: Values,
  key: string,
  asked: boolean | null | undefined,
  otherwise: boolean,
): boolean {
  const value = values[key];
  if (asked !== undefined && asked !== null) return asked;
  if (value === undefined) return otherwise;
  try {
    return boolean(values, key, otherwise);
  } catch (error) {
    throw invalid(`driver-opt ${JSON.stringify(key)} is not a valid bool`, error);
  }
}
