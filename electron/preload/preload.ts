import { ipcRenderer } from 'electron';

// Hands the window its end of the channel to the host, and nothing else: the page gets no function and no Electron.
// The page asks ('berth:connect'); the port comes as a message of the window's own ('berth:port').
window.addEventListener('message', (event) => {
  if (event.source === window && event.data === 'berth:connect') ipcRenderer.send('berth:connect');
});
ipcRenderer.on('berth:port', (event) => window.postMessage('berth:port', '*', event.ports));
