import type { Exec } from '../system/exec.ts';

/** A bridge as the engine's own filter rules see it. */
export interface FilteredBridge {
  interface: string;
  ipv6: boolean;
  /** containers on it reach each other (Docker's `enable_icc`) */
  icc: boolean;
  /** subnets whose connections do not leave with the address of the interface they leave by: with `source`, or as they are */
  sources: readonly { subnet: string; source: string | undefined }[];
}

/**
 * What netavark leaves open, in chains of this engine's own:
 * - networks are kept apart (mangle, which comes before every filter rule: netavark 1.4 accepts whatever comes from its subnets);
 * - traffic inside a bridge and to published ports passes where another engine has set FORWARD to DROP;
 * - containers reach their networks' name server where the host's firewall lets nothing in;
 * - networks that are not to be masqueraded are not.
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
  const input = `BERTH-${tag}-I`;
  const has = async (program: string, table: string, from = 'FORWARD', to = chain) =>
    (await exec([program, ...WAIT, '-t', table, '-C', from, '-j', to], { okCodes: [0, 1, 2] })).code === 0;
  // Nearly no network has such rules: without any, the table is left alone.
  let translates = false;
  const translation = async (program: string, six: boolean, mine: readonly FilteredBridge[]): Promise<string[]> => {
    const rules = mine.flatMap(({ interface: name, sources }) =>
      sources
        .filter(({ subnet }) => subnet.includes(':') === six)
        .map(
          ({ subnet, source }) =>
            // The mark is netavark's, on what came through a published port and has to go back the same way.
            `-A ${chain} -s ${subnet} ! -o ${name} -m mark ! --mark 0x2000/0x2000 ` +
            (source === undefined ? '-j ACCEPT' : `-j SNAT --to-source ${source}`),
        ),
    );
    if (rules.length === 0 && !translates) return [];
    translates = true;
    const there = await has(program, 'nat', 'POSTROUTING');
    return ['*nat', `:${chain} - [0:0]`, ...(there ? [] : [`-I POSTROUTING 1 -j ${chain}`]), ...rules, 'COMMIT'];
  };

  return {
    async apply(bridges) {
      for (const { program, six } of FAMILIES) {
        const mine = bridges.filter((bridge) => !six || bridge.ipv6);
        if (six && mine.length === 0) continue;
        const [mangle, filter, entry, nat] = await Promise.all([
          has(program, 'mangle'),
          has(program, 'filter'),
          has(program, 'filter', 'INPUT', input),
          translation(program, six, mine),
        ]);
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
            `:${input} - [0:0]`,
            ...(entry ? [] : [`-I INPUT 1 -j ${input}`]),
            ...names.flatMap((name) =>
              ['udp', 'tcp'].map((protocol) => `-A ${input} -i ${name} -p ${protocol} --dport 53 -j ACCEPT`),
            ),
            ...(filter ? [] : [`-I FORWARD 1 -j ${chain}`]),
            ...names.map((name) => `-A ${chain} -i ${name} -o ${name} -j ACCEPT`),
            ...names.map((name) => `-A ${chain} -o ${name} -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT`),
            'COMMIT',
            ...nat,
            '',
          ].join('\n'),
        });
      }
    },
    async remove() {
      for (const { program } of FAMILIES)
        for (const [table, from] of [
          ...TABLES.map((name) => [name, 'FORWARD'] as const),
          ['nat', 'POSTROUTING'],
        ] as const) {
          const run = (...argv: string[]) => exec([program, ...WAIT, '-t', table, ...argv], { okCodes: [0, 1, 2] });
          while ((await run('-D', from, '-j', chain)).code === 0);
          if (table === 'filter') while ((await run('-D', 'INPUT', '-j', input)).code === 0);
          const own = { mangle: [chain, apart], filter: [chain, input], nat: [chain] }[table];
          for (const name of own) await run('-F', name);
          for (const name of own) await run('-X', name);
        }
    },
  };
}
