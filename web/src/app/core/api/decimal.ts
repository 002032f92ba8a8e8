// One separator, before three digits.
const AMBIGUOUS = /^-?[1-9]\d{0,2}[.,]\d{3}$/;

/**
 * A decimal number as the text that JSON has for it, so that it never goes through a binary float.
 *
 * `JSON.stringify` writes it as a number with the same digits.
 */
export class Decimal {
  constructor(readonly text: string) {}

  /**
   * The number that a person typed, with a point or a comma before the decimals. Undefined for
   * other text, such as `1.234,50`, and for `1,000`, which is one or a thousand: the API then says
   * what it expects.
   */
  static parse(typed: string): Decimal | undefined {
    const found = /^(-?)0*(\d*)(?:[.,](\d*))?$/.exec(typed.trim());
    if (!found || !/\d/.test(typed) || AMBIGUOUS.test(typed.trim())) return undefined;
    const [, sign = '', integer = '', decimals = ''] = found;
    return new Decimal(sign + (integer || '0') + (decimals && `.${decimals}`));
  }

  /** Whether both are the same number: 12.5 equals 12.50. */
  equals(other: Decimal): boolean {
    return this.normalized() === other.normalized();
  }

  toJSON(): unknown {
    // Browsers without it have a number, which is exact to 15 digits.
    return JSON.rawJSON?.(this.text) ?? Number(this.text);
  }

  toString(): string {
    return this.text;
  }

  /** The significant digits and the exponent of ten. */
  private normalized(): string {
    const [number = '', exponent = '0'] = this.text.toLowerCase().split('e');
    const [integer = '', decimals = ''] = number.replace('-', '').split('.');
    const digits = (integer + decimals).replace(/^0+/, '');
    const significant = digits.replace(/0+$/, '');
    const sign = significant && number.startsWith('-') ? '-' : '';
    const shift = digits.length - significant.length - decimals.length + Number(exponent);
    return significant ? `${sign}${significant}e${shift}` : '0';
  }
}
