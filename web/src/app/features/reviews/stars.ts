import { Component, input } from '@angular/core';

/** A rating from 1 to 5. */
@Component({
  selector: 'shop-stars',
  template: `<span role="img" [attr.aria-label]="rating() + ' of 5 stars'">{{
    '★★★★★'.slice(0, rating()) + '☆☆☆☆☆'.slice(rating())
  }}</span>`,
  host: { class: 'stars' },
})
export class Stars {
  readonly rating = input.required<number>();
}
