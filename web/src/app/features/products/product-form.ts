import { Component, input, output } from '@angular/core';
import { FormField } from '@angular/forms/signals';

import { FieldControl } from '../../shared/forms/field-control';
import type { DraftForm } from '../../shared/forms/draft-form';
import { LabeledField } from '../../shared/forms/labeled-field';
import { FormActions } from '../../shared/forms/form-actions';
import type { Product } from '../../core/api/items';
import type { ProductValues } from './product-values';

/** The fields of a product, new or not. */
@Component({
  selector: 'shop-product-form',
  imports: [FieldControl, LabeledField, FormActions, FormField],
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
  readonly editor = input.required<DraftForm<ProductValues, Product>>();
  readonly cancelled = output();
}
