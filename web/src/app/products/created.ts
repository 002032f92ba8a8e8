import { Injectable } from '@angular/core';

import type { Product } from '../api/items';

/** The product that was just created, for the list to show. */
@Injectable({ providedIn: 'root' })
export class Created {
  private product: Product | undefined;

  put(product: Product): void {
    this.product = product;
  }

  take(): Product | undefined {
    const { product } = this;
    this.product = undefined;
    return product;
  }
}
