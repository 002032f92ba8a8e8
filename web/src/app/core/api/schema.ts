// Written by make web-types, from chalicelib/openapi.json.
import type { Decimal } from './decimal';

/** The fields whose values are decimal numbers. */
export const DECIMAL_FIELDS: ReadonlySet<string> = new Set(["price"]);

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Root: {
            name: string;
            version: string;
            stage: string;
            links: {
                [key: string]: string;
            };
            /** @description Who calls: only with an access token. The subject is the key of the caller's user. */
            caller?: {
                subject: string;
                roles: string[];
            };
        };
        Health: {
            /** @constant */
            status: "ok";
        };
        Problem: {
            /** @constant */
            type: "about:blank";
            title: string;
            status: number;
            /** @description A sentence that a person can act on. */
            detail: string;
            requestId: string;
            /** @description Each field, parameter or header that is wrong. */
            errors?: {
                /** @example name */
                field: string;
                /** @example is required */
                message: string;
            }[];
        };
        /**
         * @description A customer.
         * @example {
         *       "userId": "user-1",
         *       "name": "Ada Lovelace",
         *       "username": "ada",
         *       "email": "ada@shop.example",
         *       "createdAt": "2026-11-20T09:30:00.000Z",
         *       "updatedAt": "2026-11-20T09:30:00.000Z",
         *       "etag": "\"5f0c6b1e2a9d4c7b8e3f1a20\""
         *     }
         */
        User: {
            /**
             * @description 1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone
             * @example user-1
             */
            userId: string;
            /**
             * @description Must have a visible character.
             * @example Ada Lovelace
             */
            name: string;
            /**
             * @description 1 to 50 of A-Z a-z 0-9 _ . -
             * @example ada
             */
            username?: string;
            /**
             * @description an email address of at most 254 characters
             * @example ada@shop.example
             */
            email?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-20T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-20T09:30:00.000Z
             */
            updatedAt: string;
            /** @example "5f0c6b1e2a9d4c7b8e3f1a20" */
            etag: string;
        };
        /**
         * @example {
         *       "name": "Ada Lovelace",
         *       "username": "ada",
         *       "email": "ada@shop.example"
         *     }
         */
        NewUser: {
            /**
             * @description A UUID, if a create omits it.
             * @example user-1
             */
            userId?: string;
            /**
             * @description Must have a visible character.
             * @example Ada Lovelace
             */
            name: string;
            /**
             * @description 1 to 50 of A-Z a-z 0-9 _ . -
             * @example ada
             */
            username?: string;
            /**
             * @description an email address of at most 254 characters
             * @example ada@shop.example
             */
            email?: string;
            /** @description Ignored: only the server writes it. */
            createdAt?: unknown;
            /** @description Ignored: only the server writes it. */
            updatedAt?: unknown;
            /** @description Ignored: only the server writes it. */
            etag?: unknown;
        };
        /**
         * @example {
         *       "userId": "user-1",
         *       "name": "Ada Lovelace",
         *       "username": "ada",
         *       "email": "ada@shop.example"
         *     }
         */
        UserWithKey: {
            /**
             * @description 1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone
             * @example user-1
             */
            userId: string;
            /**
             * @description Must have a visible character.
             * @example Ada Lovelace
             */
            name: string;
            /**
             * @description 1 to 50 of A-Z a-z 0-9 _ . -
             * @example ada
             */
            username?: string;
            /**
             * @description an email address of at most 254 characters
             * @example ada@shop.example
             */
            email?: string;
            /** @description Ignored: only the server writes it. */
            createdAt?: unknown;
            /** @description Ignored: only the server writes it. */
            updatedAt?: unknown;
            /** @description Ignored: only the server writes it. */
            etag?: unknown;
        };
        /**
         * @description Fields to change; null removes one, or resets it to its default.
         * @example {
         *       "name": "Ada Lovelace"
         *     }
         */
        UserChanges: {
            /**
             * @description If it is given, the key of the addressed item.
             * @example user-1
             */
            userId?: string;
            /**
             * @description Must have a visible character.
             * @example Ada Lovelace
             */
            name?: string;
            username?: string | null;
            email?: string | null;
            /** @description Ignored: only the server writes it. */
            createdAt?: unknown;
            /** @description Ignored: only the server writes it. */
            updatedAt?: unknown;
            /** @description Ignored: only the server writes it. */
            etag?: unknown;
        };
        UserPage: {
            items: components["schemas"]["User"][];
            /** @description The cursor of the next page; null on the last page. */
            next: string | null;
        };
        /**
         * @description An article of the catalogue.
         * @example {
         *       "id": "product-1",
         *       "name": "Teapot",
         *       "price": 34.5,
         *       "description": "Stoneware, for four cups.",
         *       "createdAt": "2026-11-20T09:30:00.000Z",
         *       "updatedAt": "2026-11-20T09:30:00.000Z",
         *       "etag": "\"5f0c6b1e2a9d4c7b8e3f1a20\""
         *     }
         */
        Product: {
            /**
             * @description 1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone
             * @example product-1
             */
            id: string;
            /**
             * @description Must have a visible character.
             * @example Teapot
             */
            name: string;
            /**
             * @description At most 2 decimals.
             * @example 34.5
             */
            price: Decimal;
            /**
             * @description Must be empty, or have a visible character.
             * @default
             * @example Stoneware, for four cups.
             */
            description: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-20T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-20T09:30:00.000Z
             */
            updatedAt: string;
            /** @example "5f0c6b1e2a9d4c7b8e3f1a20" */
            etag: string;
        };
        /**
         * @example {
         *       "name": "Teapot",
         *       "price": 34.5,
         *       "description": "Stoneware, for four cups."
         *     }
         */
        NewProduct: {
            /**
             * @description A UUID, if a create omits it.
             * @example product-1
             */
            id?: string;
            /**
             * @description Must have a visible character.
             * @example Teapot
             */
            name: string;
            /**
             * @description At most 2 decimals.
             * @example 34.5
             */
            price: Decimal;
            /**
             * @description Must be empty, or have a visible character.
             * @default
             * @example Stoneware, for four cups.
             */
            description: string;
            /** @description Ignored: only the server writes it. */
            createdAt?: unknown;
            /** @description Ignored: only the server writes it. */
            updatedAt?: unknown;
            /** @description Ignored: only the server writes it. */
            etag?: unknown;
        };
        /**
         * @description Fields to change; null removes one, or resets it to its default.
         * @example {
         *       "name": "Teapot",
         *       "price": 34.5
         *     }
         */
        ProductChanges: {
            /**
             * @description If it is given, the key of the addressed item.
             * @example product-1
             */
            id?: string;
            /**
             * @description Must have a visible character.
             * @example Teapot
             */
            name?: string;
            /**
             * @description At most 2 decimals.
             * @example 34.5
             */
            price?: Decimal;
            description?: string | null;
            /** @description Ignored: only the server writes it. */
            createdAt?: unknown;
            /** @description Ignored: only the server writes it. */
            updatedAt?: unknown;
            /** @description Ignored: only the server writes it. */
            etag?: unknown;
        };
        ProductPage: {
            items: components["schemas"]["Product"][];
            /** @description The cursor of the next page; null on the last page. */
            next: string | null;
        };
        /**
         * @description A review of a product, or of the shop.
         * @example {
         *       "id": "review-1",
         *       "review": "Pours without a drop.",
         *       "name": "Ada Lovelace",
         *       "rating": 5,
         *       "createdAt": "2026-11-20T09:30:00.000Z",
         *       "updatedAt": "2026-11-20T09:30:00.000Z",
         *       "etag": "\"5f0c6b1e2a9d4c7b8e3f1a20\""
         *     }
         */
        Review: {
            /**
             * @description 1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone
             * @example review-1
             */
            id: string;
            /**
             * @description Must have a visible character.
             * @example Pours without a drop.
             */
            review: string;
            /**
             * @description Must have a visible character.
             * @example Ada Lovelace
             */
            name?: string;
            /** @description 1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone */
            productId?: string;
            /** @example 5 */
            rating?: number;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-20T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-20T09:30:00.000Z
             */
            updatedAt: string;
            /** @example "5f0c6b1e2a9d4c7b8e3f1a20" */
            etag: string;
        };
        /**
         * @example {
         *       "review": "Pours without a drop.",
         *       "name": "Ada Lovelace",
         *       "rating": 5
         *     }
         */
        NewReview: {
            /**
             * @description A UUID, if a create omits it.
             * @example review-1
             */
            id?: string;
            /**
             * @description Must have a visible character.
             * @example Pours without a drop.
             */
            review: string;
            /**
             * @description Must have a visible character.
             * @example Ada Lovelace
             */
            name?: string;
            /** @description 1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone */
            productId?: string;
            /** @example 5 */
            rating?: number;
            /** @description Ignored: only the server writes it. */
            createdAt?: unknown;
            /** @description Ignored: only the server writes it. */
            updatedAt?: unknown;
            /** @description Ignored: only the server writes it. */
            etag?: unknown;
        };
        /**
         * @description Fields to change; null removes one, or resets it to its default.
         * @example {
         *       "review": "Pours without a drop."
         *     }
         */
        ReviewChanges: {
            /**
             * @description If it is given, the key of the addressed item.
             * @example review-1
             */
            id?: string;
            /**
             * @description Must have a visible character.
             * @example Pours without a drop.
             */
            review?: string;
            name?: string | null;
            productId?: string | null;
            rating?: number | null;
            /** @description Ignored: only the server writes it. */
            createdAt?: unknown;
            /** @description Ignored: only the server writes it. */
            updatedAt?: unknown;
            /** @description Ignored: only the server writes it. */
            etag?: unknown;
        };
        ReviewPage: {
            items: components["schemas"]["Review"][];
            /** @description The cursor of the next page; null on the last page. */
            next: string | null;
        };
        /**
         * @description A task of its owner.
         * @example {
         *       "id": "todo-1",
         *       "task": "Dust the shelves",
         *       "status": "pending",
         *       "createdAt": "2026-11-20T09:30:00.000Z",
         *       "updatedAt": "2026-11-20T09:30:00.000Z",
         *       "etag": "\"5f0c6b1e2a9d4c7b8e3f1a20\""
         *     }
         */
        Todo: {
            /**
             * @description 1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone
             * @example todo-1
             */
            id: string;
            /**
             * @description Must have a visible character.
             * @example Dust the shelves
             */
            task: string;
            /**
             * @default pending
             * @enum {unknown}
             */
            status: "done" | "in_progress" | "pending";
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-20T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC, with milliseconds
             * @example 2026-11-20T09:30:00.000Z
             */
            updatedAt: string;
            /** @example "5f0c6b1e2a9d4c7b8e3f1a20" */
            etag: string;
        };
        /**
         * @example {
         *       "task": "Dust the shelves",
         *       "status": "pending"
         *     }
         */
        NewTodo: {
            /**
             * @description A UUID, if a create omits it.
             * @example todo-1
             */
            id?: string;
            /**
             * @description Must have a visible character.
             * @example Dust the shelves
             */
            task: string;
            /**
             * @default pending
             * @enum {unknown}
             */
            status: "done" | "in_progress" | "pending";
            /** @description Ignored: only the server writes it. */
            createdAt?: unknown;
            /** @description Ignored: only the server writes it. */
            updatedAt?: unknown;
            /** @description Ignored: only the server writes it. */
            etag?: unknown;
        };
        /**
         * @description Fields to change; null removes one, or resets it to its default.
         * @example {
         *       "task": "Dust the shelves"
         *     }
         */
        TodoChanges: {
            /**
             * @description If it is given, the key of the addressed item.
             * @example todo-1
             */
            id?: string;
            /**
             * @description Must have a visible character.
             * @example Dust the shelves
             */
            task?: string;
            status?: ("done" | "in_progress" | "pending") | null;
            /** @description Ignored: only the server writes it. */
            createdAt?: unknown;
            /** @description Ignored: only the server writes it. */
            updatedAt?: unknown;
            /** @description Ignored: only the server writes it. */
            etag?: unknown;
        };
        TodoPage: {
            items: components["schemas"]["Todo"][];
            /** @description The cursor of the next page; null on the last page. */
            next: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
