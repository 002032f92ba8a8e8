import { bootstrapApplication } from '@angular/platform-browser';

import { App } from './app/app';
import { loadConfig } from './app/config';
import { pause } from './app/layout/pause';
import { providers } from './app/providers';

// A page that the browser has kept: its sign-in may have ended, and a request of its waits no more.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});

try {
  const loading = loadConfig();
  await pause();
  // The browser's first one takes 20 ms: not while prices are rendered.
  new Intl.NumberFormat();
  await bootstrapApplication(App, providers(await loading));
} catch (error) {
  document.body.textContent =
    'The shop cannot be loaded. Check your connection, and reload the page.';
  throw error;
}
