import { inject, InjectionToken, Pipe, type PipeTransform } from '@angular/core';

import type { Decimal } from '../../core/api/decimal';
import { CONFIG } from '../../core/config';

/** One for all prices: it takes milliseconds to create. */
const FORMAT = new InjectionToken('the format of prices', {
  factory: () =>
    new Intl.NumberFormat('en', { style: 'currency', currency: inject(CONFIG).currency }),
});

/** An amount in the shop's currency. */
@Pipe({ name: 'price' })
export class PricePipe implements PipeTransform {
  private readonly format = inject(FORMAT);

  transform(amount: Decimal): string {
    // A text is formatted with all its digits.
    return this.format.format(amount.text as Intl.StringNumericLiteral);
  }
}
