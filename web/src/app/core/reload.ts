import type { Announcer } from './announcer';

/** In sessionStorage: when the page was loaded again because a file was missing. */
const RELOADED = 'reloaded';
/** A page is loaded again once in this time, in milliseconds. */
const PAUSE = 60_000;

/**
 * Load a page again if a file of it is gone: a tab that was opened before a deployment asks for
 * files of the build before. Not without a connection, where every file is missing.
 */
export function reload(url: string, announcer: Announcer): void {
  if (navigator.onLine && Date.now() - Number(sessionStorage.getItem(RELOADED)) > PAUSE) {
    sessionStorage.setItem(RELOADED, String(Date.now()));
    location.assign(url);
    return;
  }
  announcer.alert('This page cannot be loaded. Check your connection, and try again.');
}
