import { Component, inject, Injector } from '@angular/core';
import { Router } from '@angular/router';

import type { Product } from '../../core/api/items';
import { Products } from '../../core/api/resources';
import { draftForm } from '../../shared/forms/draft-form';
import { Saver } from '../../shared/forms/saver';
import { ProductForm } from './product-form';
import { fieldsOf, type ProductValues, valuesOf } from './product-values';

/** Creates a product. */
@Component({
  selector: 'shop-product-new',
  imports: [ProductForm],
  template: `
    <h1>New product</h1>
    <shop-product-form [editor]="editor" (cancelled)="cancel()" />
  `,
})
export class ProductNewPage {
  private readonly products = inject(Products);
  private readonly saver = inject(Saver);
  private readonly router = inject(Router);
  protected readonly editor = draftForm<ProductValues, Product>(inject(Injector), {
    name: 'new-product',
    values: valuesOf,
    save: (draft) => this.saver.create(this.products, fieldsOf(draft.values), draft),
    message: ({ name }) => `${name} is in the shop.`,
    // The list shows it.
    onSaved: (product) => this.router.navigate(['/products'], { info: product }),
  });

  protected async cancel(): Promise<void> {
    this.editor.reset();
    await this.router.navigate(['/products']);
  }
}
