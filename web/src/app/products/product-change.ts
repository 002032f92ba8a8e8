import { Component, inject, Injector, input, type OnInit } from '@angular/core';
import { Router } from '@angular/router';

import type { Product } from '../api/items';
import { createEditor, type Editor } from '../forms/editor';
import { Saver } from '../forms/saver';
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
  protected editor!: Editor<ProductValues, Product>;

  ngOnInit(): void {
    const item = this.product();
    this.editor = createEditor<ProductValues, Product>(this.injector, {
      name: `products/${item.id}`,
      item,
      values: valuesOf,
      save: ({ values, base = item }) =>
        this.saver.update(['products', item.id], base, fieldsOf(values)),
      message: ({ name }) => `${name} is saved.`,
      saved: () => this.leave(),
    });
  }

  protected async cancel(): Promise<void> {
    this.editor.reset();
    await this.leave();
  }

  private leave(): Promise<boolean> {
    return this.router.navigate(['/products', this.product().id]);
  }
}
