import { effect, inject, Injectable, signal } from '@angular/core';

import { Api } from '../api/api';
import type { Review } from '../api/items';
import { Session } from '../auth/session';

/** Which reviews the caller has written: the API shows no authors. */
@Injectable({ providedIn: 'root' })
export class MyReviews {
  private readonly api = inject(Api);
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
      const reviews = await this.api.readAll<Review>(['reviews'], { author: 'me' });
      this.keys.update((keys) => new Set([...keys, ...reviews.map(({ id }) => id)]));
    } catch {
      // Their buttons are missing: the list itself is there.
    }
  }
}
