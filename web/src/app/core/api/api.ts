import { HttpClient } from '@angular/common/http';
import { inject, Injectable } from '@angular/core';
import { firstValueFrom } from 'rxjs';

import { CONFIG } from '../config';
import type { Page } from './items';
import { parseJson } from './json';
import type { MergePatch } from './merge';
import { hasStatus } from './problem';

const MERGE_PATCH = 'application/merge-patch+json';

/** Query parameters; undefined and empty ones are left out. */
export type Parameters = Readonly<Record<string, string | undefined>>;

/** Requests to the API, which ResourceApi makes. Every method rejects with an HttpErrorResponse. */
@Injectable({ providedIn: 'root' })
export class Api {
  private readonly http = inject(HttpClient);
  private readonly base = inject(CONFIG).apiUrl;

  /** The URL of a path of the API; its segments are encoded. */
  url(segments: readonly string[]): string {
    return `${this.base}/${segments.map(encodeURIComponent).join('/')}`;
  }

  async read<T>(segments: readonly string[], parameters: Parameters = {}): Promise<T> {
    const params = withoutEmpty(parameters);
    const text = await firstValueFrom(
      this.http.get(this.url(segments), { params, responseType: 'text' }),
    );
    return parseJson(text) as T;
  }

  /** Every item of a list, page after page. */
  async readAll<T>(segments: readonly string[], parameters: Parameters = {}): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const page: Page<T> = await this.read(segments, { ...parameters, limit: '100', cursor });
      items.push(...page.items);
      cursor = page.next ?? undefined;
    } while (cursor);
    return items;
  }

  /** Create an item. Any number of requests with one key and one body create one item. */
  async create<T>(segments: readonly string[], body: string, idempotencyKey: string): Promise<T> {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey };
    const text = await firstValueFrom(
      this.http.post(this.url(segments), body, { headers, responseType: 'text' }),
    );
    return parseJson(text) as T;
  }

  /** Change fields of an item, if its etag is still the same. */
  async patch<T>(segments: readonly string[], patch: MergePatch, etag: string): Promise<T> {
    const headers = { 'Content-Type': MERGE_PATCH, 'If-Match': etag };
    const text = await firstValueFrom(
      this.http.patch(this.url(segments), JSON.stringify(patch), { headers, responseType: 'text' }),
    );
    return parseJson(text) as T;
  }

  /** Delete an item, if its etag is still the same. An item that is gone already is no error. */
  async delete(segments: readonly string[], etag: string): Promise<void> {
    const headers = { 'If-Match': etag };
    try {
      await firstValueFrom(this.http.delete(this.url(segments), { headers, responseType: 'text' }));
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }
}

/** Query parameters without those that are undefined or empty. */
export function withoutEmpty(parameters: Parameters): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
}
