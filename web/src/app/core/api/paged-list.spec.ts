import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { ApplicationRef, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';

import { CONFIG } from '../config';
import type { Product } from './items';
import { Products } from './resources';

const URL = 'https://api.example/products';

function page(keys: string[], next: string | null): string {
  return JSON.stringify({ items: keys.map((id) => ({ id, etag: `"${id}"` })), next });
}

describe('a paged list', () => {
  let requests: HttpTestingController;
  const sort = signal<string | undefined>(undefined);

  beforeEach(() => {
    sort.set(undefined);
    TestBed.configureTestingModule({
      providers: [
        provideHttpClient(),
        provideHttpClientTesting(),
        { provide: CONFIG, useValue: { apiUrl: 'https://api.example' } },
      ],
    });
    requests = TestBed.inject(HttpTestingController);
  });

  function create() {
    return TestBed.runInInjectionContext(() =>
      TestBed.inject(Products).list(() => ({ sort: sort() })),
    );
  }

  async function settle(): Promise<void> {
    await TestBed.inject(ApplicationRef).whenStable();
  }

  function respond(url: string, body: string): void {
    TestBed.tick();
    requests.expectOne(url).flush(body);
  }

  function keys(items: readonly Product[] | undefined): string[] | undefined {
    return items?.map(({ id }) => id);
  }

  it('adds the next page, without items that a write has put into the list', async () => {
    const list = create();
    respond(URL, page(['a', 'b'], 'cursor'));
    await settle();
    list.update((items) => [...items, { id: 'c' } as Product]);

    const more = list.more();
    respond(`${URL}?cursor=cursor`, page(['c', 'd'], null));

    expect(await more).toBe(3);
    expect(keys(list.items())).toEqual(['a', 'b', 'c', 'd']);
    expect(list.hasMore()).toBe(false);
    expect(list.summary('product')).toBe('4 products');
  });

  it('drops a page that comes after the list has begun again', async () => {
    const list = create();
    respond(URL, page(['a'], 'cursor'));
    await settle();
    const more = list.more();
    TestBed.tick();
    const late = requests.expectOne(`${URL}?cursor=cursor`);
    sort.set('price');
    respond(`${URL}?sort=price`, page(['z'], null));
    await settle();
    late.flush(page(['b'], null));
    await more;

    expect(keys(list.items())).toEqual(['z']);
  });

  it('keeps its items when the next page fails', async () => {
    const list = create();
    respond(URL, page(['a'], 'cursor'));
    await settle();
    const more = list.more();
    TestBed.tick();
    requests.expectOne(`${URL}?cursor=cursor`).flush('', { status: 503, statusText: 'x' });
    await more;

    expect(keys(list.items())).toEqual(['a']);
    expect(list.error()).toBeTruthy();
    expect(list.isLoadingMore()).toBe(false);
  });
});
