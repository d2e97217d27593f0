import type { CgroupNode } from '../../../electron/contract/model.ts';

/** A group of the tree in sight. `position` of `siblings` counts from 1, as screen readers say it. */
export interface GroupRow {
  node: CgroupNode;
  depth: number;
  parent: string | null;
  open: boolean;
  position: number;
  siblings: number;
}

/** The tree from the top, without what is below closed groups; groups side by side in the order of their titles. */
export function rowsOf(
  root: CgroupNode,
  closed: ReadonlySet<string>,
  titleOf: (node: CgroupNode) => string = ({ name }) => name,
): GroupRow[] {
  const rows: GroupRow[] = [];
  const add = (node: CgroupNode, parent: GroupRow | null, position: number, siblings: number) => {
    const open = node.children.length > 0 && !closed.has(node.path);
    const row = { node, depth: (parent?.depth ?? -1) + 1, parent: parent?.node.path ?? null, open, position, siblings };
    rows.push(row);
    if (!open) return;
    const children = [...node.children].sort((a, b) => titleOf(a).localeCompare(titleOf(b)));
    children.forEach((child, index) => add(child, row, index + 1, children.length));
  };
  add(root, null, 1, 1);
  return rows;
}

/** What a key does in the tree: goes to another group, opens or closes this one. Undefined: the key means nothing here. */
export type TreeMove = { to: string } | { open: string } | { close: string };
export function moveByKey(rows: readonly GroupRow[], at: string, key: string): TreeMove | undefined {
  const index = rows.findIndex(({ node }) => node.path === at);
  const row = rows[index];
  const to = (target: GroupRow | undefined) => (target ? { to: target.node.path } : undefined);
  if (!row) return to(rows[0]);
  switch (key) {
    case 'ArrowDown':
      return to(rows[index + 1]);
    case 'ArrowUp':
      return to(rows[index - 1]);
    case 'Home':
      return to(rows[0]);
    case 'End':
      return to(rows.at(-1));
    case 'ArrowRight':
      if (row.node.children.length === 0) return undefined;
      return row.open ? to(rows[index + 1]) : { open: at };
    case 'ArrowLeft':
      if (row.open) return { close: at };
      return row.parent === null ? undefined : { to: row.parent };
    default:
      return undefined;
  }
}

/** Rates since the reading before, and the CPU of the last minute, by path. CPU in percent of one, bytes a second. */
export interface GroupUse {
  cpu: number;
  read: number;
  write: number;
  cpuLine: readonly number[];
}
const kept = 40;
export const noUse: GroupUse = { cpu: 0, read: 0, write: 0, cpuLine: [] };

/** Counters of two readings become rates. A group that was made anew under the same path (its counters are lower) begins again. */
export class UseBook {
  #before = new Map<string, CgroupNode>();
  #use = new Map<string, GroupUse>();

  take(root: CgroupNode): ReadonlyMap<string, GroupUse> {
    const nodes = new Map<string, CgroupNode>();
    const use = new Map<string, GroupUse>();
    const visit = (node: CgroupNode) => {
      nodes.set(node.path, node);
      use.set(node.path, this.#useOf(node));
      node.children.forEach(visit);
    };
    visit(root);
    this.#before = nodes;
    this.#use = use;
    return use;
  }

  #useOf(node: CgroupNode): GroupUse {
    const before = this.#before.get(node.path);
    const seconds = before ? (node.time - before.time) / 1000 : 0;
    if (!before || before.cpuTime > node.cpuTime || seconds < 0) return noUse;
    const known = this.#use.get(node.path) ?? noUse;
    if (seconds === 0) return known;
    const cpu = (node.cpuTime - before.cpuTime) / 1e7 / seconds;
    return {
      cpu,
      read: Math.max(0, node.readBytes - before.readBytes) / seconds,
      write: Math.max(0, node.writeBytes - before.writeBytes) / seconds,
      cpuLine: [...known.cpuLine.slice(1 - kept), cpu],
    };
  }
}
