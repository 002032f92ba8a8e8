import { Component, inject, input } from '@angular/core';

import type { PagedList } from '../../core/api/paged-list';
import { Focus } from '../../core/focus';

/** The button that loads the next page of a list, and moves the focus to the first new item. */
@Component({
  selector: 'shop-load-more',
  template: `
    @if (list().hasMore()) {
      <p class="more">
        <button
          type="button"
          class="quiet"
          [attr.aria-busy]="list().isLoadingMore() || null"
          (click)="load()"
        >
          More
        </button>
      </p>
    }
  `,
})
export class LoadMore<T> {
  readonly list = input.required<PagedList<T>>();
  /** What the id of an item's element begins with; the item's key follows. */
  readonly idPrefix = input.required<string>();
  private readonly focus = inject(Focus);

  protected async load(): Promise<void> {
    const before = await this.list().more();
    const first = this.list().items()?.[before];
    if (first) this.focus.on(this.idPrefix() + this.list().keyOf(first));
  }
}
