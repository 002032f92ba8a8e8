import { Decimal } from './decimal';
import { DECIMAL_FIELDS } from './schema';

declare global {
  // https://tc39.es/proposal-json-parse-with-source/
  interface JSON {
    rawJSON?: (text: string) => unknown;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context?: { source?: string }) => unknown,
    ): unknown;
  }
}

/** The value of a JSON text, with a Decimal for each decimal number of the API. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (key, value, context) =>
    typeof value === 'number' && DECIMAL_FIELDS.has(key)
      ? new Decimal(context?.source ?? String(value))
      : value,
  );
}
