import { HttpClient, httpResource, type HttpResourceRef } from '@angular/common/http';
import { computed, inject, Injectable, linkedSignal, type Signal } from '@angular/core';
import { firstValueFrom } from 'rxjs';

import { CONFIG } from '../config';
import type { Page } from './items';
import { parseJson } from './json';
import type { MergePatch } from './merge';
import { hasStatus } from './problem';

const MERGE_PATCH = 'application/merge-patch+json';

/** Query parameters; undefined and empty ones are left out. */
export type Parameters = Readonly<Record<string, string | undefined>>;

/** Requests to the API. Every method rejects with an HttpErrorResponse. */
@Injectable({ providedIn: 'root' })
export class Api {
  private readonly http = inject(HttpClient);
  private readonly base = inject(CONFIG).apiUrl;

  /** The URL of a path of the API; its segments are encoded. */
  url(segments: readonly string[]): string {
    return `${this.base}/${segments.map(encodeURIComponent).join('/')}`;
  }

  async read<T>(segments: readonly string[], parameters: Parameters = {}): Promise<T> {
    const params = withoutEmpty(parameters);
    const text = await firstValueFrom(
      this.http.get(this.url(segments), { params, responseType: 'text' }),
    );
    return parseJson(text) as T;
  }

  /** Every item of a list, page after page. */
  async readAll<T>(segments: readonly string[], parameters: Parameters = {}): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const page: Page<T> = await this.read(segments, { ...parameters, limit: '100', cursor });
      items.push(...page.items);
      cursor = page.next ?? undefined;
    } while (cursor);
    return items;
  }

  /** Create an item. Any number of requests with one key and one body create one item. */
  async create<T>(segments: readonly string[], body: string, idempotencyKey: string): Promise<T> {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey };
    const text = await firstValueFrom(
      this.http.post(this.url(segments), body, { headers, responseType: 'text' }),
    );
    return parseJson(text) as T;
  }

  /** Change fields of an item, if its etag is still the same. */
  async patch<T>(segments: readonly string[], patch: MergePatch, etag: string): Promise<T> {
    const headers = { 'Content-Type': MERGE_PATCH, 'If-Match': etag };
    const text = await firstValueFrom(
      this.http.patch(this.url(segments), JSON.stringify(patch), { headers, responseType: 'text' }),
    );
    return parseJson(text) as T;
  }

  /** Delete an item, if its etag is still the same. An item that is gone already is no error. */
  async delete(segments: readonly string[], etag: string): Promise<void> {
    const headers = { 'If-Match': etag };
    try {
      await firstValueFrom(this.http.delete(this.url(segments), { headers, responseType: 'text' }));
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }
}

/** An item that is read again when its path changes; no request while the path is undefined. */
export function itemResource<T>(
  segments: () => readonly string[] | undefined,
): HttpResourceRef<T | undefined> {
  const api = inject(Api);
  return httpResource.text(
    () => {
      const path = segments();
      return path && { url: api.url(path) };
    },
    { parse: (text) => parseJson(text) as T },
  );
}

/** A list whose pages are loaded one by one. */
export interface List<T> {
  /** The items of the pages so far; undefined until the first one is there. */
  readonly items: Signal<readonly T[] | undefined>;
  readonly hasMore: Signal<boolean>;
  readonly isLoadingMore: Signal<boolean>;
  /** Why a page could not be loaded. */
  readonly error: Signal<unknown>;
  /** How many items of a kind are shown, for the person. */
  summary(kind: string): string;
  keyOf(item: T): string;
  /** Load the next page. Returns how many items there were before. */
  more(): Promise<number>;
  /** Load the first page again. */
  reload(): void;
  /** Change the items that are shown, after a write. */
  update(change: (items: readonly T[]) => readonly T[]): void;
}

/** A list that begins again when its path or its parameters change. */
export function listResource<T>(
  request: () => { segments: readonly string[]; parameters?: Parameters } | undefined,
  keyOf: (item: T) => string,
): List<T> {
  const api = inject(Api);
  const first = httpResource.text(
    () => {
      const asked = request();
      return (
        asked && { url: api.url(asked.segments), params: withoutEmpty(asked.parameters ?? {}) }
      );
    },
    { parse: (text) => parseJson(text) as Page<T> },
  );
  const pages = linkedSignal(() => (first.hasValue() ? first.value() : undefined));
  // Another object when the list begins again.
  const start = computed(() => ({ status: first.status(), request: request() }));
  const moreError = linkedSignal<unknown, unknown>({ source: start, computation: () => undefined });
  const isLoadingMore = linkedSignal({ source: start, computation: () => false });
  return {
    items: computed(() => pages()?.items),
    hasMore: computed(() => Boolean(pages()?.next)),
    isLoadingMore,
    error: computed(() => first.error() ?? moreError()),
    summary(kind) {
      const count = pages()?.items.length;
      if (count === undefined) return '';
      const items = `${count} ${kind}${count === 1 ? '' : 's'}`;
      return pages()?.next ? `The first ${items}` : items;
    },
    keyOf,
    async more() {
      const began = start();
      const asked = began.request;
      const shown = pages();
      if (!asked || !shown?.next || isLoadingMore()) return shown?.items.length ?? 0;
      isLoadingMore.set(true);
      try {
        const parameters = { ...asked.parameters, cursor: shown.next };
        const page = await api.read<Page<T>>(asked.segments, parameters);
        pages.update((now) => {
          // Not if the list has begun again in the meantime.
          if (began !== start() || !now) return now;
          // Without those that a write has put into the list.
          const keys = new Set(now.items.map(keyOf));
          const items = page.items.filter((item) => !keys.has(keyOf(item)));
          return { items: [...now.items, ...items], next: page.next };
        });
      } catch (error) {
        if (began === start()) moreError.set(error);
      } finally {
        if (began === start()) isLoadingMore.set(false);
      }
      return shown.items.length;
    },
    reload() {
      first.reload();
    },
    update(change) {
      pages.update((now) => now && { ...now, items: [...change(now.items)] });
    },
  };
}

function withoutEmpty(parameters: Parameters): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
}
