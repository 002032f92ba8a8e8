import { httpResource, type HttpResourceRef } from '@angular/common/http';
import { inject, Injectable } from '@angular/core';

import { Api, type Parameters } from './api';
import type { Item, Product, Review, Todo, User } from './items';
import { parseJson } from './json';
import type { Fields, MergePatch } from './merge';
import { type PagedList, pagedList } from './paged-list';
import { hasStatus } from './problem';

/** The calls of one resource. Promises are rejected with an HttpErrorResponse. */
export abstract class ResourceApi<T extends Item> {
  private readonly api = inject(Api);
  protected abstract readonly path: string;

  /** The key of an item. */
  abstract keyOf(item: T): string;

  /** An item that is read again when the key changes; no request while it is undefined. */
  item(key: () => string | undefined): HttpResourceRef<T | undefined> {
    return httpResource.text(
      () => {
        const now = key();
        return now === undefined ? undefined : { url: this.api.url([this.path, now]) };
      },
      { parse: (text) => parseJson(text) as T },
    );
  }

  /** The list that begins again when its parameters change. */
  list(parameters: () => Parameters = () => ({})): PagedList<T> {
    return this.listAt(() => ({ segments: [this.path], parameters: parameters() }));
  }

  read(key: string): Promise<T> {
    return this.api.read<T>([this.path, key]);
  }

  /** An item as it is now, or undefined if it is gone. */
  async readOrNone(key: string): Promise<T | undefined> {
    try {
      return await this.read(key);
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
      return undefined;
    }
  }

  /** Every item of the list, page after page. */
  readAll(parameters: Parameters = {}): Promise<T[]> {
    return this.api.readAll<T>([this.path], parameters);
  }

  /** Create an item. Any number of requests with one key and one body create one item. */
  create(body: string, idempotencyKey: string): Promise<T> {
    return this.api.create<T>([this.path], body, idempotencyKey);
  }

  /** Change fields of an item, if its etag is still the same. */
  patch(key: string, patch: MergePatch, etag: string): Promise<T> {
    return this.api.patch<T>([this.path, key], patch, etag);
  }

  /** Delete an item, if its etag is still the same. An item that is gone already is no error. */
  delete(key: string, etag: string): Promise<void> {
    return this.api.delete([this.path, key], etag);
  }

  /** An item as fields that can be compared. */
  fields(item: T): Fields {
    return item as unknown as Fields;
  }

  protected listAt(
    request: () => { segments: readonly string[]; parameters?: Parameters },
  ): PagedList<T> {
    return pagedList<T>(request, (item) => this.keyOf(item));
  }
}

@Injectable({ providedIn: 'root' })
export class Products extends ResourceApi<Product> {
  protected readonly path = 'products';

  keyOf({ id }: Product): string {
    return id;
  }
}

@Injectable({ providedIn: 'root' })
export class Reviews extends ResourceApi<Review> {
  protected readonly path = 'reviews';

  keyOf({ id }: Review): string {
    return id;
  }

  /** The reviews of a product, newest first. */
  ofProduct(productId: () => string): PagedList<Review> {
    return this.listAt(() => ({ segments: ['products', productId(), 'reviews'] }));
  }
}

@Injectable({ providedIn: 'root' })
export class Todos extends ResourceApi<Todo> {
  protected readonly path = 'todos';

  keyOf({ id }: Todo): string {
    return id;
  }
}

@Injectable({ providedIn: 'root' })
export class Users extends ResourceApi<User> {
  protected readonly path = 'users';

  keyOf({ userId }: User): string {
    return userId;
  }
}
