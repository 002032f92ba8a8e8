import { inject, Pipe, type PipeTransform } from '@angular/core';

import type { Decimal } from '../api/decimal';
import { CONFIG } from '../config';

/** An amount in the shop's currency. */
@Pipe({ name: 'price' })
export class PricePipe implements PipeTransform {
  private readonly format = new Intl.NumberFormat('en', {
    style: 'currency',
    currency: inject(CONFIG).currency,
  });

  transform(amount: Decimal): string {
    // A text is formatted with all its digits.
    return this.format.format(amount.text as Intl.StringNumericLiteral);
  }
}
