import { Directive, ElementRef, inject } from '@angular/core';

import { LabeledField } from './labeled-field';

/** Connects the control inside a `shop-field` with its label, hint and errors. */
@Directive({
  selector: 'input[formField], select[formField], textarea[formField]',
  host: {
    '[id]': 'field.id',
    '[attr.aria-invalid]': 'field.errors().length ? true : null',
    '[attr.aria-describedby]': 'field.description()',
    '[inert]': 'isSelect && field.isReadonly()',
  },
})
export class FieldControl {
  protected readonly field = inject(LabeledField);
  // HTML has no read-only select.
  protected readonly isSelect = inject(ElementRef).nativeElement instanceof HTMLSelectElement;
}
