import { HttpErrorResponse } from '@angular/common/http';
import { inject, Injectable } from '@angular/core';

import { Api } from '../api/api';
import type { Item } from '../api/items';
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
    let patch = changes(fieldsOf(base), mine);
    while (Object.keys(patch).length > 0) {
      try {
        return await this.api.patch<T>(segments, patch, stored.etag);
      } catch (error) {
        if (!(error instanceof HttpErrorResponse) || error.status !== 412) throw error;
      }
      const wanted = { ...fieldsOf(stored), ...withoutNulls(patch) };
      const theirs = await this.api.read<T>(segments);
      const merged = merge(fieldsOf(stored), wanted, fieldsOf(theirs));
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

  /** Delete an item as it is now, without a question: somebody has confirmed more than this. */
  async deleteAnyway(segments: readonly string[], { etag }: Item): Promise<void> {
    try {
      await this.api.delete(segments, etag);
    } catch (error) {
      if (!(error instanceof HttpErrorResponse) || error.status !== 412) throw error;
      await this.deleteAnyway(segments, await this.api.read<Item>(segments));
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
        if (!(error instanceof HttpErrorResponse) || error.status !== 412) throw error;
        ({ etag } = await this.api.read<Item>(segments));
        text = 'Somebody else has changed it in the meantime. It cannot be brought back.';
      }
    }
  }
}

function fieldsOf(item: Item): Fields {
  return item as unknown as Fields;
}

function withoutNulls(patch: Fields): Fields {
  return Object.fromEntries(
    Object.entries(patch).map(([field, value]) => [field, value ?? undefined]),
  );
}
