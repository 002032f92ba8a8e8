import { Component, inject, Injector, input, type OnInit } from '@angular/core';
import { Router } from '@angular/router';

import type { Product } from '../api/items';
import { createEditor, type Editor } from '../forms/editor';
import { Saver } from '../forms/saver';
import { Announcer } from '../layout/announcer';
import { ProductForm } from './product-form';
import { fieldsOf, type ProductValues, valuesOf } from './product-values';

/** Changes a product, and keeps what others change at the same time. */
@Component({
  selector: 'shop-product-change',
  imports: [ProductForm],
  template: `<shop-product-form [editor]="editor" (cancelled)="cancel()" />`,
})
export class ProductChange implements OnInit {
  readonly product = input.required<Product>();

  private readonly injector = inject(Injector);
  private readonly saver = inject(Saver);
  private readonly router = inject(Router);
  private readonly announcer = inject(Announcer);
  protected editor!: Editor<ProductValues>;

  ngOnInit(): void {
    const product = this.product();
    this.editor = createEditor(this.injector, {
      name: `products/${product.id}`,
      values: valuesOf(product),
      base: product,
      save: async (values, { base }) => {
        const path = ['products', product.id];
        const saved = await this.saver.update(path, base as Product, fieldsOf(values));
        if (!saved) return false;
        await this.leave();
        this.announcer.say(`${saved.name} is saved.`);
        return true;
      },
    });
  }

  protected async cancel(): Promise<void> {
    this.editor.discard();
    await this.leave();
  }

  private async leave(): Promise<void> {
    await this.router.navigate(['/products', this.product().id]);
  }
}
