import { effect, inject, Injectable, signal } from '@angular/core';

import { Reviews } from '../../core/api/resources';
import { Session } from '../../core/auth/session';

/** Which reviews the caller has written: the API shows no authors. */
@Injectable({ providedIn: 'root' })
export class MyReviews {
  private readonly reviews = inject(Reviews);
  private readonly keys = signal<ReadonlySet<string>>(new Set());

  constructor() {
    const session = inject(Session);
    effect(() => {
      if (session.isSignedIn()) void this.load();
    });
  }

  has(key: string): boolean {
    return this.keys().has(key);
  }

  add(key: string): void {
    this.keys.update((keys) => new Set([...keys, key]));
  }

  private async load(): Promise<void> {
    try {
      const reviews = await this.reviews.readAll({ author: 'me' });
      this.keys.update((keys) => new Set([...keys, ...reviews.map(({ id }) => id)]));
    } catch {
      // Their buttons are missing: the list itself is there.
    }
  }
}
