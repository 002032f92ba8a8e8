import { Component, input, output } from '@angular/core';
import { FormField } from '@angular/forms/signals';

import { Control } from '../forms/control';
import type { Editor } from '../forms/editor';
import { Field } from '../forms/field';
import { FormActions } from '../forms/form-actions';
import type { Product } from '../api/items';
import type { ProductValues } from './product-values';

/** The fields of a product, new or not. */
@Component({
  selector: 'shop-product-form',
  imports: [Control, Field, FormActions, FormField],
  template: `
    <form class="form" novalidate (submit)="$event.preventDefault(); editor().submit()">
      <shop-field label="Name">
        <input [formField]="editor().fields().name" autocomplete="off" />
      </shop-field>
      <shop-field label="Price" hint="Such as 12.50">
        <input [formField]="editor().fields().price" inputmode="decimal" autocomplete="off" />
      </shop-field>
      <shop-field label="Description">
        <textarea [formField]="editor().fields().description" rows="5"></textarea>
      </shop-field>
      <shop-form-actions
        [problem]="editor().problem()"
        [isSaving]="editor().isSaving()"
        (cancelled)="cancelled.emit()"
      />
    </form>
  `,
})
export class ProductForm {
  readonly editor = input.required<Editor<ProductValues, Product>>();
  readonly cancelled = output();
}
