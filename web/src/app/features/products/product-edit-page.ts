import { Component, effect, inject, Injector, input, signal, untracked } from '@angular/core';
import { Router } from '@angular/router';

import type { Product } from '../../core/api/items';
import { Products } from '../../core/api/resources';
import { draftForm, type DraftForm } from '../../shared/forms/draft-form';
import { Saver } from '../../shared/forms/saver';
import { ProblemView } from '../../shared/layout/problem-view';
import { ProductForm } from './product-form';
import { fieldsOf, type ProductValues, valuesOf } from './product-values';

/** Changes a product, and keeps what others change at the same time. */
@Component({
  selector: 'shop-product-edit-page',
  imports: [ProblemView, ProductForm],
  template: `
    <h1>Edit product</h1>
    @if (editor(); as editor) {
      <shop-product-form [editor]="editor" (cancelled)="cancel(editor)" />
    } @else if (product.error()) {
      <shop-problem [error]="product.error()" (retry)="product.reload()" />
    } @else {
      <div class="form skeleton" role="progressbar" aria-label="Loading"><i></i><i></i><i></i></div>
    }
  `,
})
export class ProductEditPage {
  /** The path parameter. */
  readonly key = input.required<string>();

  private readonly products = inject(Products);
  private readonly saver = inject(Saver);
  private readonly router = inject(Router);
  private readonly injector = inject(Injector);
  protected readonly product = this.products.item(() => this.key());
  protected readonly editor = signal<DraftForm<ProductValues, Product> | undefined>(undefined);

  constructor() {
    effect(() => {
      const item = this.product.hasValue() ? this.product.value() : undefined;
      // Once: what is typed does not change when the product is read again.
      if (item && !untracked(this.editor))
        untracked(() => {
          this.edit(item);
        });
    });
  }

  protected async cancel(editor: DraftForm<ProductValues, Product>): Promise<void> {
    editor.reset();
    await this.leave();
  }

  private edit(item: Product): void {
    this.editor.set(
      draftForm<ProductValues, Product>(this.injector, {
        name: `products/${item.id}`,
        item,
        values: valuesOf,
        save: ({ values, base = item }) => this.saver.update(this.products, base, fieldsOf(values)),
        message: ({ name }) => `${name} is saved.`,
        onSaved: () => this.leave(),
      }),
    );
  }

  private leave(): Promise<boolean> {
    return this.router.navigate(['/products', this.key()]);
  }
}
