import { describe, expect, it } from 'vitest';

import { Decimal } from './decimal';
import { parseJson } from './json';

describe('Decimal', () => {
  it.each([
    ['12,50', '12.50'],
    ['0.30', '0.30'],
    ['999999999.99', '999999999.99'],
    ['-1', '-1'],
    ['007', '7'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['0.125', '0.125'],
    ['1234.500', '1234.500'],
    [' 3 ', '3'],
  ])('reads what a person types: %s', (typed, text) => {
    expect(Decimal.parse(typed)?.text).toBe(text);
  });

  it.each(['', ' ', '.', ',', '-', '1.234,50', '1,234.50', '1,000', '12.345', '1e3', 'x', '١'])(
    'leaves other text to the API: %j',
    (typed) => {
      expect(Decimal.parse(typed)).toBeUndefined();
    },
  );

  it.each([
    ['12.5', '12.50', true],
    ['0', '-0.00', true],
    ['1e2', '100', true],
    ['1.5E-1', '0.15', true],
    ['12.5', '12.51', false],
    ['-1', '1', false],
    ['10', '1', false],
    ['9007199254740993', '9007199254740992', false],
  ])('%s equals %s: %s', (one, other, equal) => {
    expect(new Decimal(one).equals(new Decimal(other))).toBe(equal);
  });

  it('goes through JSON with every digit', () => {
    const text = '{"price":9007199254740993.01,"rating":5,"name":"1.50"}';

    const value = parseJson(text) as { price: Decimal; rating: number };

    expect(value.price.text).toBe('9007199254740993.01');
    expect(value.rating).toBe(5);
    expect(JSON.stringify(value)).toBe(text);
  });
});
