import { bootstrapApplication } from '@angular/platform-browser';

import { App } from './app/app';
import { loadConfig } from './app/config';
import { pause } from './app/layout/pause';
import { providers } from './app/providers';
import { loadProductPage } from './app/products/load-product-page';

// The browser has restored the page from its back/forward cache: its session may have ended.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});

try {
  const loading = loadConfig();
  if (/^\/products\/[^/]+$/.test(location.pathname)) void loadProductPage();
  await pause();
  // The first NumberFormat takes 20 ms: create one before prices are rendered.
  new Intl.NumberFormat();
  await bootstrapApplication(App, providers(await loading));
} catch (error) {
  document.body.textContent =
    'The shop cannot be loaded. Check your connection, and reload the page.';
  throw error;
}
