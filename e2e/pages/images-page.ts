import type { Locator } from '@playwright/test';
import { Window } from './window.ts';

export class ImagesPage extends Window {
  async open(): Promise<void> {
    await this.visit('/images');
    await this.page.getByRole('heading', { name: 'Images', level: 1 }).waitFor();
  }
  get reference(): Locator {
    return this.page.getByRole('textbox', { name: 'Image to pull' });
  }
  async pull(reference: string): Promise<void> {
    await this.reference.fill(reference);
    await this.page.getByRole('button', { name: 'Pull', exact: true }).click();
  }
  /** the card of a pull under way or over */
  card(reference: string): Locator {
    return this.page.getByRole('article', { name: `Pull of ${reference}`, exact: true });
  }
  row(name: string): Locator {
    return this.page.getByRole('row').filter({ has: this.page.getByRole('link', { name, exact: true }) });
  }
  async act(name: string, action: string | RegExp): Promise<void> {
    await this.row(name)
      .getByRole('button', { name: `Actions for ${name}` })
      .click();
    await this.menuItem(action).click();
  }
}
