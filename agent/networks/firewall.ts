import type { Exec } from '../system/exec.ts';

/** A bridge as the engine's own filter rules see it. */
export interface FilteredBridge {
  interface: string;
  ipv6: boolean;
  /** containers on it reach each other (Docker's `enable_icc`) */
  icc: boolean;
}

/**
 * Two things netavark leaves open, in chains of this engine's own:
 * - networks are kept apart (mangle, which comes before every filter rule: netavark 1.4 accepts whatever comes from its subnets);
 * - traffic inside a bridge and to published ports passes where another engine has set FORWARD to DROP.
 */
export interface Firewall {
  /** Makes the chains say exactly this. One program run for each family. */
  apply(bridges: readonly FilteredBridge[]): Promise<void>;
  /** Takes everything away. */
  remove(): Promise<void>;
}

const FAMILIES = [
  { program: 'iptables', six: false },
  { program: 'ip6tables', six: true },
] as const;
const TABLES = ['mangle', 'filter'] as const;
const WAIT = ['-w', '10'];

export function createFirewall(exec: Exec, tag: string): Firewall {
  const chain = `BERTH-${tag}`;
  const apart = `BERTH-${tag}-X`;
  const has = async (program: string, table: string) =>
    (await exec([program, ...WAIT, '-t', table, '-C', 'FORWARD', '-j', chain], { okCodes: [0, 1, 2] })).code === 0;

  return {
    async apply(bridges) {
      for (const { program, six } of FAMILIES) {
        const mine = bridges.filter((bridge) => !six || bridge.ipv6);
        if (six && mine.length === 0) continue;
        const [mangle, filter] = await Promise.all(TABLES.map((table) => has(program, table)));
        const names = mine.map((bridge) => bridge.interface);
        await exec([`${program}-restore`, '--noflush', ...WAIT], {
          input: [
            '*mangle',
            `:${chain} - [0:0]`,
            `:${apart} - [0:0]`,
            ...(mangle ? [] : [`-I FORWARD 1 -j ${chain}`]),
            // What a DNAT leads to was asked for through a published port.
            `-A ${chain} -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j RETURN`,
            ...names.map((name) => `-A ${chain} -i ${name} ! -o ${name} -j ${apart}`),
            ...mine
              .filter((bridge) => !bridge.icc)
              .map(({ interface: name }) => `-A ${chain} -i ${name} -o ${name} -j DROP`),
            ...names.map((name) => `-A ${apart} -o ${name} -j DROP`),
            'COMMIT',
            '*filter',
            `:${chain} - [0:0]`,
            ...(filter ? [] : [`-I FORWARD 1 -j ${chain}`]),
            ...names.map((name) => `-A ${chain} -i ${name} -o ${name} -j ACCEPT`),
            ...names.map((name) => `-A ${chain} -o ${name} -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT`),
            'COMMIT',
            '',
          ].join('\n'),
        });
      }
    },
    async remove() {
      for (const { program } of FAMILIES)
        for (const table of TABLES) {
          const run = (...argv: string[]) => exec([program, ...WAIT, '-t', table, ...argv], { okCodes: [0, 1, 2] });
          while ((await run('-D', 'FORWARD', '-j', chain)).code === 0);
          for (const name of [chain, apart]) await run('-F', name);
          for (const name of [chain, apart]) await run('-X', name);
        }
    },
  };
}
