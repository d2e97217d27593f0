import type { Locator } from '@playwright/test';
import { Window } from './window.ts';

export class KernelPage extends Window {
  async open(part: 'Control groups' | 'Namespaces' = 'Control groups'): Promise<void> {
    await this.visit(part === 'Namespaces' ? '/kernel/namespaces' : '/kernel');
    await this.page.getByRole('radio', { name: part, checked: true }).waitFor();
  }
  get tree(): Locator {
    return this.page.getByRole('treegrid', { name: 'Control groups' });
  }
  /** a group by the container's name, or its own */
  group(name: string | RegExp): Locator {
    return this.tree.getByRole('row', { name });
  }
  get panel(): Locator {
    return this.page.getByRole('complementary', { name: /^(Control group|Namespace) / });
  }
  get grid(): Locator {
    return this.page.getByRole('grid', { name: 'Namespaces of the containers' });
  }
  /** the cell of a row (a container's name, or a command inside one) and a kind of namespace */
  cell(row: string | RegExp, type: string): Locator {
    return this.grid.getByRole('row', { name: row }).getByRole('button', { name: new RegExp(`^${type} namespace`) });
  }
}
