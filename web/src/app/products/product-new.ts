import { Component, inject, Injector } from '@angular/core';
import { Router } from '@angular/router';

import type { Product } from '../api/items';
import { createEditor } from '../forms/editor';
import { Saver } from '../forms/saver';
import { Announcer } from '../layout/announcer';
import { Created } from './created';
import { ProductForm } from './product-form';
import { fieldsOf, type ProductValues } from './product-values';

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
  private readonly created = inject(Created);
  private readonly announcer = inject(Announcer);
  protected readonly editor = createEditor<ProductValues>(inject(Injector), {
    name: 'new-product',
    values: { name: '', price: '', description: '' },
    save: async (values, draft) => {
      const product = await this.saver.create<Product>(['products'], fieldsOf(values), draft);
      this.created.put(product);
      await this.router.navigate(['/products']);
      this.announcer.say(`${product.name} is in the shop.`);
      return true;
    },
  });

  protected async cancel(): Promise<void> {
    this.editor.discard();
    await this.router.navigate(['/products']);
  }
}
