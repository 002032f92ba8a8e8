import { Injectable } from '@angular/core';

import { parseJson } from '../../core/api/json';

/** What a person has typed into a form, and what was sent of it. */
export interface Draft<Values = unknown, T = unknown> {
  values: Values;
  /** The item as it was when the form was opened; absent for a new one. */
  base?: T | undefined;
  /** The last request to create, whose answer may have been lost. */
  sent?: { body: string; key: string };
}

/** Drafts of this tab: they outlive a reload and a sign-in, and end with the tab or a sign-out. */
@Injectable({ providedIn: 'root' })
export class Drafts {
  read<Values, T>(name: string): Draft<Values, T> | undefined {
    const text = sessionStorage.getItem(`draft:${name}`);
    return text === null ? undefined : (parseJson(text) as Draft<Values, T>);
  }

  write(name: string, draft: Draft): void {
    try {
      sessionStorage.setItem(`draft:${name}`, JSON.stringify(draft));
    } catch {
      // A text that is larger than the storage: the API refuses it, too.
    }
  }

  remove(name: string): void {
    sessionStorage.removeItem(`draft:${name}`);
  }
}

/**
 * The idempotency key of a body: the one that it was sent with, or a new one. The API answers the
 * same key and body with the answer that was lost; another body needs another key.
 */
export function idempotencyKey(draft: Draft, body: string): string {
  if (draft.sent?.body !== body) draft.sent = { body, key: crypto.randomUUID() };
  return draft.sent.key;
}
