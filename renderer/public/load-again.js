// Chromium gives up what it is loading when the machine's network changes, which each start of a container does. A script or
// style that was lost so leaves an empty or bare window: the page is loaded again, a few times at most. main.ts forgets the count once the window is there.
addEventListener(
  'error',
  (event) => {
    const lost = event.target;
    const needed = lost instanceof HTMLScriptElement || (lost instanceof HTMLLinkElement && lost.rel === 'stylesheet');
    if (!needed) return;
    const tries = Number(sessionStorage.getItem('berth-load-again') ?? 0);
    if (tries >= 5) return;
    sessionStorage.setItem('berth-load-again', String(tries + 1));
    setTimeout(() => location.reload(), 200 * (tries + 1));
  },
  true,
);
