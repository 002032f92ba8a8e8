// Writes src/app/core/api/schema.ts, the types of the API, from chalicelib/openapi.json.
// With --check it writes nothing, and fails if the file is out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';

const DOCUMENT = new URL('../chalicelib/openapi.json', import.meta.url);
const FILE = fileURLToPath(new URL('src/app/core/api/schema.ts', import.meta.url));

const document = JSON.parse(readFileSync(DOCUMENT, 'utf8'));
const { schemas } = document.components;
// Integers are exact as a JavaScript number; other numbers are read and written as a Decimal.
const decimals = new Set();
for (const { properties = {} } of Object.values(schemas)) {
  for (const [name, { type }] of Object.entries(properties)) {
    if (type === 'number') decimals.add(name);
  }
}
// The schemas alone: the code names paths and parameters itself.
const types = await openapiTS(
  { ...document, paths: {}, components: { schemas } },
  {
    transform: ({ type }) =>
      type === 'number' ? ts.factory.createTypeReferenceNode('Decimal') : undefined,
  },
);
const text = `// Written by make web-types, from chalicelib/openapi.json.
import type { Decimal } from './decimal';

/** The fields whose values are decimal numbers. */
export const DECIMAL_FIELDS: ReadonlySet<string> = new Set(${JSON.stringify([...decimals])});

${astToString(types)}`;

if (!process.argv.includes('--check')) {
  writeFileSync(FILE, text);
} else if (readFileSync(FILE, 'utf8') !== text) {
  console.error('src/app/core/api/schema.ts is out of date: make web-types writes it.');
  process.exit(1);
}
