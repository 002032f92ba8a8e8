import { Component, inject, Injector } from '@angular/core';
import { Router } from '@angular/router';

import type { Product } from '../api/items';
import { createEditor } from '../forms/editor';
import { Saver } from '../forms/saver';
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
export class ProductNew {
  private readonly saver = inject(Saver);
  private readonly router = inject(Router);
  protected readonly editor = createEditor<ProductValues, Product>(inject(Injector), {
    name: 'new-product',
    values: valuesOf,
    save: (draft) => this.saver.create<Product>(['products'], fieldsOf(draft.values), draft),
    message: ({ name }) => `${name} is in the shop.`,
    // The list shows it.
    saved: (product) => this.router.navigate(['/products'], { info: product }),
  });

  protected async cancel(): Promise<void> {
    this.editor.reset();
    await this.router.navigate(['/products']);
  }
}
