import type { Locator, Page } from '@playwright/test';

/** What every view has: the sidebar, messages, questions. */
export class Window {
  readonly page: Page;
  constructor(page: Page) {
    this.page = page;
  }

  /** goes to an address inside the window: "/images" */
  async visit(path: string): Promise<void> {
    await this.page.evaluate((to) => (location.hash = `#${to}`), path);
  }
  get messages(): Locator {
    return this.page.locator('[data-toasts]');
  }
  /** the question before something that cannot be undone */
  get question(): Locator {
    return this.page.getByRole('alertdialog');
  }
  async answer(button: string | RegExp): Promise<void> {
    await this.question.getByRole('button', { name: button }).click();
  }
  menuItem(name: string | RegExp): Locator {
    return this.page.getByRole('menuitem', { name });
  }
}
