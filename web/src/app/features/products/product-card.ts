import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';

import type { Product } from '../../core/api/items';
import { PricePipe } from '../../shared/layout/price.pipe';
import { ProductTile } from './product-tile';

/** A product in the list: a link to its page. */
@Component({
  selector: 'shop-product-card',
  imports: [PricePipe, ProductTile, RouterLink],
  template: `
    <shop-product-tile [name]="product().name" />
    <h2>
      <a [routerLink]="path()" [id]="'product-' + product().id">{{ product().name }}</a>
    </h2>
    <p class="price">{{ product().price | price }}</p>
  `,
  host: { class: 'card' },
})
export class ProductCard {
  readonly product = input.required<Product>();
  protected readonly path = computed(() => ['/products', this.product().id]);
}
