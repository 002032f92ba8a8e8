import { bootstrapApplication } from '@angular/platform-browser';

import { App } from './app/app';
import { loadConfig } from './app/core/config';
import { providers } from './app/providers';

// The browser has restored the page from its back/forward cache: its session may have ended.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});

try {
  await bootstrapApplication(App, providers(await loadConfig()));
} catch (error) {
  document.body.textContent =
    'The shop cannot be loaded. Check your connection, and reload the page.';
  throw error;
}
