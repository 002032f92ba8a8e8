import { inject, Injectable } from '@angular/core';

import type { Item } from '../../core/api/items';
import { changes, type Fields, merge } from '../../core/api/merge';
import { hasStatus } from '../../core/api/problem';
import type { ResourceApi } from '../../core/api/resources';
import { Dialogs } from './dialogs';
import { type Draft, idempotencyKey } from './drafts';

/** Writes that neither happen twice nor undo what somebody else has written. */
@Injectable({ providedIn: 'root' })
export class Saver {
  private readonly dialogs = inject(Dialogs);

  /** Create an item from a draft, with the draft's idempotency key. */
  async create<T extends Item>(resource: ResourceApi<T>, fields: Fields, draft: Draft): Promise<T> {
    const body = JSON.stringify(fields);
    return resource.create(body, idempotencyKey(draft, body));
  }

  /**
   * Write what `mine` changes of `base`. If somebody else has changed the item, merge both, and
   * ask about the fields that both have changed. Resolves to the stored item, or to undefined if
   * the person has cancelled.
   */
  async update<T extends Item>(
    resource: ResourceApi<T>,
    base: T,
    mine: Fields,
  ): Promise<T | undefined> {
    const key = resource.keyOf(base);
    let stored = base;
    let patch = changes(resource.fields(base), mine);
    while (Object.keys(patch).length > 0) {
      try {
        return await resource.patch(key, patch, stored.etag);
      } catch (error) {
        if (!hasStatus(error, 412)) throw error;
      }
      const wanted = { ...resource.fields(stored), ...withoutNulls(patch) };
      const theirs = await resource.read(key);
      const merged = merge(resource.fields(stored), wanted, resource.fields(theirs));
      patch = merged.patch;
      if (merged.conflicts.length > 0) {
        const chosen = await this.dialogs.chooseVersions(merged.conflicts);
        if (!chosen) return undefined;
        patch = { ...patch, ...chosen };
      }
      stored = theirs;
    }
    return stored;
  }

  /** Delete an item whatever its etag is, without a dialog: the person has confirmed it before. */
  async forceDelete<T extends Item>(resource: ResourceApi<T>, item: T): Promise<void> {
    const key = resource.keyOf(item);
    try {
      await resource.delete(key, item.etag);
    } catch (error) {
      if (!hasStatus(error, 412)) throw error;
      const now = await resource.readOrNone(key);
      if (now) await this.forceDelete(resource, now);
    }
  }

  /**
   * Delete an item once the person has confirmed. If somebody else has changed it since it was
   * read, ask again. Resolves to whether it was deleted.
   */
  async delete<T extends Item>(resource: ResourceApi<T>, item: T, name: string): Promise<boolean> {
    const key = resource.keyOf(item);
    let { etag } = item;
    let text = 'It cannot be brought back.';
    for (;;) {
      const title = `Delete ${name}?`;
      if (!(await this.dialogs.confirm({ title, text, action: 'Delete' }))) return false;
      try {
        await resource.delete(key, etag);
        return true;
      } catch (error) {
        if (!hasStatus(error, 412)) throw error;
        const now = await resource.readOrNone(key);
        if (!now) return true;
        ({ etag } = now);
        text = 'Somebody else has changed it in the meantime. It cannot be brought back.';
      }
    }
  }
}

function withoutNulls(patch: Fields): Fields {
  return Object.fromEntries(
    Object.entries(patch).map(([field, value]) => [field, value ?? undefined]),
  );
}
