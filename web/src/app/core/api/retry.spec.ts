import { describe, expect, it } from 'vitest';

import { HttpErrorResponse, HttpHeaders } from '@angular/common/http';

import { isRepeatable, isTransient, MAX_SECONDS, retrySeconds } from './retry';

describe('isRepeatable', () => {
  it.each([
    ['GET', {}, true],
    ['POST', {}, false],
    ['POST', { 'Idempotency-Key': 'k' }, true],
    ['PATCH', {}, false],
    ['PATCH', { 'If-Match': '"e"' }, true],
    ['PUT', { 'If-Match': '"e"' }, true],
    ['DELETE', { 'If-Match': '"e"' }, true],
    ['DELETE', { 'Idempotency-Key': 'k' }, false],
    ['POST', { 'If-Match': '"e"' }, false],
  ])('%s with %j: %s', (method, headers, repeatable) => {
    expect(isRepeatable({ method, headers: new HttpHeaders(headers) })).toBe(repeatable);
  });
});

describe('isTransient', () => {
  it.each([0, 429, 502, 503, 504])('%i is', (status) => {
    expect(isTransient(new HttpErrorResponse({ status }))).toBe(true);
  });

  it.each([400, 401, 403, 404, 409, 412, 422, 500])('%i is not', (status) => {
    expect(isTransient(new HttpErrorResponse({ status }))).toBe(false);
  });
});

describe('retrySeconds', () => {
  const NOW = Date.parse('2026-11-21T12:00:00Z');

  it.each([
    ['3', 3],
    ['0', 0],
    ['9999', MAX_SECONDS],
    ['Sat, 21 Nov 2026 12:00:07 GMT', 7],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
  ])('waits as Retry-After says: %s', (retryAfter, seconds) => {
    expect(retrySeconds(1, retryAfter, NOW)).toBe(seconds);
  });

  it.each([null, 'soon'])('backs off with jitter after %j', (retryAfter) => {
    const shortest = [1, 2, 3, 4].map((attempt) => retrySeconds(attempt, retryAfter, NOW, () => 0));
    const longest = [1, 2, 3, 4].map((attempt) => retrySeconds(attempt, retryAfter, NOW, () => 1));

    expect(shortest).toEqual([0.5, 1, 2, 4]);
    expect(longest).toEqual([1.5, 3, 6, 12]);
  });
});
