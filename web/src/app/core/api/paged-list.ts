import { httpResource } from '@angular/common/http';
import { computed, inject, linkedSignal, type Signal } from '@angular/core';

import { Api, type Parameters, withoutEmpty } from './api';
import type { Page } from './items';
import { parseJson } from './json';

/** A list whose pages are loaded one by one. */
export interface PagedList<T> {
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
export function pagedList<T>(
  request: () => { segments: readonly string[]; parameters?: Parameters } | undefined,
  keyOf: (item: T) => string,
): PagedList<T> {
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
