import { Directive, inject } from '@angular/core';

import { Field } from './field';

/** Connects the control inside a `shop-field` with its label, hint and errors. */
@Directive({
  selector: 'input[formField], select[formField], textarea[formField]',
  host: {
    '[id]': 'field.id',
    '[attr.aria-invalid]': 'field.errors().length ? true : null',
    '[attr.aria-describedby]': 'field.description()',
  },
})
export class Control {
  protected readonly field = inject(Field);
}
