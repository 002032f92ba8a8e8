import type { components } from './schema';

type Schemas = components['schemas'];

export type Product = Schemas['Product'];
export type Review = Schemas['Review'];
export type Todo = Schemas['Todo'];
export type User = Schemas['User'];
export type Root = Schemas['Root'];

/** What every item has, whatever its resource. */
export interface Item {
  etag: string;
  createdAt: string;
  updatedAt: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}
