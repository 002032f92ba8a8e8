import type { CanMatchFn, Route, Routes } from '@angular/router';

import { signedIn, staff } from './auth/guards';
import { pause } from './layout/pause';
import { loadProductPage } from './products/load-product-page';
import { ProductList } from './products/product-list';

/** A page for the callers whom a guard admits; the others see AccessNeeded at the same path. */
function guarded(guard: CanMatchFn, route: Route & { path: string }): Routes {
  return [
    { ...route, canMatch: [guard] },
    {
      path: route.path,
      loadComponent: () => import('./errors/access-needed').then((file) => file.AccessNeeded),
      title: 'Access needed',
    },
  ];
}

// The list is a part of the first download. `pause` lets the browser paint the frame of the page first.
export const routes: Routes = [
  { path: '', pathMatch: 'full', redirectTo: 'products' },
  { path: 'products', component: ProductList, title: 'Products', canActivate: [pause] },
  { path: 'products/:key', loadComponent: loadProductPage, title: 'Product', canActivate: [pause] },
  ...guarded(staff, {
    path: 'products/:key/edit',
    loadComponent: () => import('./products/product-edit').then((file) => file.ProductEdit),
    title: 'Edit product',
  }),
  ...guarded(staff, {
    path: 'new-product',
    loadComponent: () => import('./products/product-new').then((file) => file.ProductNew),
    title: 'New product',
  }),
  ...guarded(signedIn, {
    path: 'todos',
    loadComponent: () => import('./todos/todo-board').then((file) => file.TodoBoard),
    title: 'Todos',
  }),
  ...guarded(signedIn, {
    path: 'account',
    loadComponent: () => import('./account/account-page').then((file) => file.AccountPage),
    title: 'Account',
  }),
  ...guarded(staff, {
    path: 'users',
    loadComponent: () => import('./users/user-list').then((file) => file.UserList),
    title: 'Users',
  }),
  {
    path: '**',
    loadComponent: () => import('./errors/not-found').then((file) => file.NotFound),
    title: 'Not found',
  },
];
