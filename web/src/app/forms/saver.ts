import { inject, Injectable } from '@angular/core';

import { Api } from '../api/api';
import type { Item } from '../api/items';
import { hasStatus } from '../api/problem';
import { changes, type Fields, merge } from '../api/merge';
import { type Draft, idempotencyKey } from './drafts';
import { Dialogs } from './dialogs';

/** Writes that neither happen twice nor undo what somebody else has written. */
@Injectable({ providedIn: 'root' })
export class Saver {
  private readonly api = inject(Api);
  private readonly dialogs = inject(Dialogs);

  /** Create an item from a draft, with the draft's idempotency key. */
  async create<T>(segments: readonly string[], fields: Fields, draft: Draft): Promise<T> {
    const body = JSON.stringify(fields);
    return this.api.create(segments, body, idempotencyKey(draft, body));
  }

  /**
   * Write what `mine` changes of `base`. If somebody else has changed the item, merge both, and
   * ask about the fields that both have changed. Resolves to the stored item, or to undefined if
   * the person has cancelled.
   */
  async update<T extends Item>(
    segments: readonly string[],
    base: T,
    mine: Fields,
  ): Promise<T | undefined> {
    let stored = base;
    let patch = changes(asFields(base), mine);
    while (Object.keys(patch).length > 0) {
      try {
        return await this.api.patch<T>(segments, patch, stored.etag);
      } catch (error) {
        if (!hasStatus(error, 412)) throw error;
      }
      const wanted = { ...asFields(stored), ...withoutNulls(patch) };
      const theirs = await this.api.read<T>(segments);
      const merged = merge(asFields(stored), wanted, asFields(theirs));
      patch = merged.patch;
      if (merged.conflicts.length > 0) {
        const chosen = await this.dialogs.resolve(merged.conflicts);
        if (!chosen) return undefined;
        patch = { ...patch, ...chosen };
      }
      stored = theirs;
    }
    return stored;
  }

  /** Delete an item whatever its etag is, without a dialog: the person has confirmed it before. */
  async deleteAnyway(segments: readonly string[], { etag }: Item): Promise<void> {
    try {
      await this.api.delete(segments, etag);
    } catch (error) {
      if (!hasStatus(error, 412)) throw error;
      const now = await this.readOrNone<Item>(segments);
      if (now) await this.deleteAnyway(segments, now);
    }
  }

  /**
   * Delete an item once the person has confirmed. If somebody else has changed it since it was
   * read, ask again. Resolves to whether it was deleted.
   */
  async delete(segments: readonly string[], item: Item, name: string): Promise<boolean> {
    let { etag } = item;
    let text = 'It cannot be brought back.';
    for (;;) {
      const title = `Delete ${name}?`;
      if (!(await this.dialogs.confirm({ title, text, action: 'Delete' }))) return false;
      try {
        await this.api.delete(segments, etag);
        return true;
      } catch (error) {
        if (!hasStatus(error, 412)) throw error;
        const now = await this.readOrNone<Item>(segments);
        if (!now) return true;
        ({ etag } = now);
        text = 'Somebody else has changed it in the meantime. It cannot be brought back.';
      }
    }
  }

  /** An item as it is now, or undefined if it is gone. */
  async readOrNone<T extends Item>(segments: readonly string[]): Promise<T | undefined> {
    try {
      return await this.api.read<T>(segments);
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
      return undefined;
    }
  }
}

function asFields(item: Item): Fields {
  return item as unknown as Fields;
}

function withoutNulls(patch: Fields): Fields {
  return Object.fromEntries(
    Object.entries(patch).map(([field, value]) => [field, value ?? undefined]),
  );
}
