import type { CanMatchFn, Route, Routes } from '@angular/router';

import { signedIn, staff } from './core/auth/guards';
import { ProductList } from './features/products/product-list';

/** A page for the callers whom a guard admits; the others see AccessNeeded at the same path. */
function guarded(guard: CanMatchFn, route: Route & { path: string }): Routes {
  return [
    { ...route, canMatch: [guard] },
    {
      path: route.path,
      loadComponent: () =>
        import('./shared/errors/access-needed').then((file) => file.AccessNeeded),
      title: 'Access needed',
    },
  ];
}

// The list is a part of the first download.
export const routes: Routes = [
  { path: '', pathMatch: 'full', redirectTo: 'products' },
  { path: 'products', component: ProductList, title: 'Products' },
  {
    path: 'products/:key',
    loadComponent: () =>
      import('./features/products/product-page').then((file) => file.ProductPage),
    title: 'Product',
  },
  ...guarded(staff, {
    path: 'products/:key/edit',
    loadComponent: () =>
      import('./features/products/product-edit-page').then((file) => file.ProductEditPage),
    title: 'Edit product',
  }),
  ...guarded(staff, {
    path: 'new-product',
    loadComponent: () =>
      import('./features/products/product-new-page').then((file) => file.ProductNewPage),
    title: 'New product',
  }),
  ...guarded(signedIn, {
    path: 'todos',
    loadComponent: () => import('./features/todos/todo-board').then((file) => file.TodoBoard),
    title: 'Todos',
  }),
  ...guarded(signedIn, {
    path: 'account',
    loadComponent: () => import('./features/account/account-page').then((file) => file.AccountPage),
    title: 'Account',
  }),
  ...guarded(staff, {
    path: 'users',
    loadComponent: () => import('./features/users/user-list').then((file) => file.UserList),
    title: 'Users',
  }),
  {
    path: '**',
    loadComponent: () => import('./shared/errors/not-found').then((file) => file.NotFound),
    title: 'Not found',
  },
];
