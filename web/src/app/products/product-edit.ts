import { Component, input } from '@angular/core';

import { itemResource } from '../api/api';
import type { Product } from '../api/items';
import { ProblemView } from '../layout/problem-view';
import { ProductChange } from './product-change';

/** Loads the product that is changed. */
@Component({
  selector: 'shop-product-edit',
  imports: [ProblemView, ProductChange],
  template: `
    <h1>Edit product</h1>
    @if (product.hasValue()) {
      <shop-product-change [product]="product.value()" />
    } @else if (product.error()) {
      <shop-problem [error]="product.error()" (retry)="product.reload()" />
    } @else {
      <div class="form skeleton" role="progressbar" aria-label="Loading"><i></i><i></i><i></i></div>
    }
  `,
})
export class ProductEdit {
  /** The path parameter. */
  readonly key = input.required<string>();
  protected readonly product = itemResource<Product>(() => ['products', this.key()]);
}
