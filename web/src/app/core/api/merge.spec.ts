import { describe, expect, it } from 'vitest';

import { Decimal } from './decimal';
import { changes, merge } from './merge';

const BASE = { name: 'Teapot', description: 'Blue', price: new Decimal('12.5') };

describe('changes', () => {
  it('has the fields that differ', () => {
    const mine = { ...BASE, name: 'Pot', price: new Decimal('12.50') };

    expect(changes(BASE, mine)).toEqual({ name: 'Pot' });
  });

  it('removes a field with null, and adds one', () => {
    const removed = changes({ email: 'a@b.c' }, { email: undefined });

    expect(removed).toEqual({ email: null });
    expect(changes({}, { email: 'a@b.c', username: undefined })).toEqual({ email: 'a@b.c' });
  });
});

describe('merge', () => {
  it('keeps both changes of different fields', () => {
    const mine = { ...BASE, description: 'Green' };
    const theirs = { ...BASE, price: new Decimal('9') };

    expect(merge(BASE, mine, theirs)).toEqual({ patch: { description: 'Green' }, conflicts: [] });
  });

  it('finds different changes of one field', () => {
    const mine = { ...BASE, description: 'Green', name: 'Pot' };
    const theirs = { ...BASE, description: 'Red' };

    expect(merge(BASE, mine, theirs)).toEqual({
      patch: { name: 'Pot' },
      conflicts: [{ field: 'description', mine: 'Green', theirs: 'Red' }],
    });
  });

  it('has nothing to do for a change that is stored already', () => {
    const mine = { ...BASE, price: new Decimal('9.00') };
    const theirs = { ...BASE, price: new Decimal('9') };

    expect(merge(BASE, mine, theirs)).toEqual({ patch: {}, conflicts: [] });
  });

  it('keeps what only they have changed', () => {
    const theirs = { ...BASE, description: 'Red' };

    expect(merge(BASE, BASE, theirs)).toEqual({ patch: {}, conflicts: [] });
  });

  it.each([
    ['removed by both', undefined, undefined, {}, []],
    ['removed by me', undefined, 'a@b.c', { email: null }, []],
    [
      'removed by me, and changed by them',
      undefined,
      'x@y.z',
      {},
      [{ field: 'email', mine: undefined, theirs: 'x@y.z' }],
    ],
    [
      'changed by me, and removed by them',
      'x@y.z',
      undefined,
      {},
      [{ field: 'email', mine: 'x@y.z', theirs: undefined }],
    ],
  ])('a field that was %s', (_, mine, theirs, patch, conflicts) => {
    const merged = merge({ email: 'a@b.c' }, { email: mine }, { email: theirs });

    expect(merged).toEqual({ patch, conflicts });
  });
});
