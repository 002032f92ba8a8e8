import { Component, computed, effect, inject, input, untracked } from '@angular/core';
import { Router, RouterLink } from '@angular/router';

import { Products } from '../../core/api/resources';
import { Decimal } from '../../core/api/decimal';
import type { Product } from '../../core/api/items';
import { parameterErrors } from '../../core/api/problem';
import { Session } from '../../core/auth/session';
import { Focus } from '../../core/focus';
import { LoadMore } from '../../shared/layout/load-more';
import { ProblemView } from '../../shared/layout/problem-view';
import { ProductCard } from './product-card';

const SORTS = [
  { value: '', label: 'Newest first' },
  { value: 'price', label: 'Cheapest first' },
  { value: '-price', label: 'Most expensive first' },
];

/** The catalogue. Its order and its price bounds are in the address. */
@Component({
  selector: 'shop-product-list',
  imports: [LoadMore, ProblemView, ProductCard, RouterLink],
  templateUrl: './product-list.html',
})
export class ProductList {
  // Query parameters.
  readonly sort = input<string>();
  readonly minPrice = input<string>();
  readonly maxPrice = input<string>();

  protected readonly session = inject(Session);
  private readonly router = inject(Router);
  protected readonly focus = inject(Focus);
  protected readonly sorts = SORTS;
  protected readonly bounds = [
    { parameter: 'minPrice', label: 'Lowest price', value: this.minPrice },
    { parameter: 'maxPrice', label: 'Highest price', value: this.maxPrice },
  ] as const;
  protected readonly list = inject(Products).list(() => ({
    sort: this.sort(),
    minPrice: this.minPrice(),
    maxPrice: this.maxPrice(),
  }));
  /** What is wrong with a price bound, by parameter. */
  protected readonly errors = computed(() =>
    parameterErrors(this.list.error(), ['minPrice', 'maxPrice']),
  );
  protected readonly hasBounds = computed(() => [this.minPrice(), this.maxPrice()].some(Boolean));
  protected readonly summary = computed(() => this.list.summary('product'));

  constructor() {
    const created = this.router.currentNavigation()?.extras.info as Product | undefined;
    let isShown = false;
    effect(() => {
      if (!created || isShown || !this.list.items()) return;
      isShown = true;
      untracked(() => {
        // The index of the list follows a write within moments, which may be later than this.
        this.list.update((items) =>
          items.some(({ id }) => id === created.id) ? items : [created, ...items],
        );
        this.focus.on(`product-${created.id}`);
      });
    });
  }

  protected async order(sort: string): Promise<void> {
    // Only an order by price can have price bounds.
    const bounds = sort ? {} : { minPrice: undefined, maxPrice: undefined };
    await this.navigate({ sort: sort || undefined, ...bounds });
  }

  protected async setBound(parameter: 'minPrice' | 'maxPrice', typed: string): Promise<void> {
    const price = typed.trim() ? (Decimal.parse(typed)?.text ?? typed) : undefined;
    await this.navigate({ sort: this.sort() ?? 'price', [parameter]: price });
  }

  private async navigate(queryParams: Record<string, string | undefined>): Promise<void> {
    await this.router.navigate([], { queryParams, queryParamsHandling: 'merge' });
  }
}
