/** Single keys that work wherever nothing is being typed. The dialog behind `?` lists them. */
export const shortcutHelp: { keys: string[]; text: string }[] = [
  { keys: ['/'], text: 'Search in the view' },
  { keys: ['n'], text: 'The main action of the view: run a container, pull an image' },
  { keys: ['g', 'c'], text: 'Go to containers' },
  { keys: ['g', 'i'], text: 'Go to images' },
  { keys: ['g', 'v'], text: 'Go to volumes' },
  { keys: ['g', 'n'], text: 'Go to networks' },
  { keys: ['g', 'k'], text: 'Go to the kernel’s view' },
  { keys: ['g', 'm'], text: 'Go to the machine' },
  { keys: ['g', 's'], text: 'Go to the settings' },
  { keys: ['↑', '↓'], text: 'Move between rows' },
  { keys: ['Enter'], text: 'Open the row' },
  { keys: ['Space'], text: 'Select the row' },
  { keys: ['Ctrl', 'Enter'], text: 'Run, from any field of the dialog' },
  { keys: ['Esc'], text: 'Close, or leave the search' },
  { keys: ['?'], text: 'Show these shortcuts' },
];

const places: Record<string, string> = {
  c: '#/containers',
  i: '#/images',
  v: '#/volumes',
  n: '#/networks',
  k: '#/kernel',
  m: '#/machine',
  s: '#/settings',
};
const sequenceMs = 1_200;

/** Listens on the document; returns what stops it. Search fields are marked `data-search`, main actions `data-main-action`. */
export function installShortcuts(actions: { help: () => void }): () => void {
  // times count from the opening of the page: 0 would be a moment ago right after it
  let lastG = -Infinity;
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]'))
      return;
    const sequence = event.timeStamp - lastG < sequenceMs;
    lastG = -Infinity;
    if (sequence && places[event.key]) location.hash = places[event.key] ?? '';
    else if (event.key === 'g') lastG = event.timeStamp;
    else if (event.key === '/') focusSearch();
    else if (event.key === 'n') mainAction();
    else if (event.key === '?') actions.help();
    else return;
    event.preventDefault();
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

function mainAction(): void {
  const target = document.querySelector<HTMLElement>('[data-main-action]');
  target?.focus();
  if (!(target instanceof HTMLInputElement)) target?.click();
}

function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>('[data-search]');
  field?.focus();
  field?.select();
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest('input:not([type=checkbox]):not([type=radio]), textarea, select, .xterm') !== null)
  );
}
