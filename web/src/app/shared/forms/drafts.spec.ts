import { describe, expect, it } from 'vitest';

import { type Draft, idempotencyKey } from './drafts';

describe('idempotencyKey', () => {
  it('is the same for the same body, and another one for another', () => {
    const draft: Draft<object> = { values: {} };

    const first = idempotencyKey(draft, '{"a":1}');

    expect(idempotencyKey(draft, '{"a":1}')).toBe(first);
    expect(idempotencyKey(draft, '{"a":2}')).not.toBe(first);
  });
});
