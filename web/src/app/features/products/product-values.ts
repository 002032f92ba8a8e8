import { Decimal } from '../../core/api/decimal';
import type { Product } from '../../core/api/items';
import type { Fields } from '../../core/api/merge';

/** What people type about a product. */
export interface ProductValues extends Record<string, string> {
  name: string;
  price: string;
  description: string;
}

/** A product as texts: empty ones for a new product. */
export function valuesOf(product: Product | undefined): ProductValues {
  if (!product) return { name: '', price: '', description: '' };
  const { name, price, description } = product;
  // With the two digits that people expect of a price, and all that there are.
  const cents = /^\d+(\.\d)?$/.exec(price.text);
  const text = cents ? price.text + (cents[1] ? '0' : '.00') : price.text;
  return { name, price: text, description };
}

/** What the API gets. A price that is no number is sent as it is: the API says what is wrong. */
export function fieldsOf({ name, price, description }: ProductValues): Fields {
  return { name, price: price.trim() ? (Decimal.parse(price) ?? price) : undefined, description };
}
