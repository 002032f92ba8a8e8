import { Component, computed, input } from '@angular/core';

/** How many colours `.tone-0` and its like in styles.css have. */
const TONES = 6;

/** Stands for a picture: the first letter of a name, on a colour that the letter decides. */
@Component({
  selector: 'shop-product-tile',
  template: `<span>{{ letter() }}</span>`,
  host: { class: 'tile', '[class]': 'tone()', 'aria-hidden': 'true' },
})
export class ProductTile {
  readonly name = input('');
  protected readonly letter = computed(() => {
    const first = this.name().trim().codePointAt(0);
    return first === undefined ? '' : String.fromCodePoint(first).toUpperCase();
  });
  protected readonly tone = computed(() => `tone-${(this.letter().codePointAt(0) ?? 0) % TONES}`);
}
