import { Component, inject } from '@angular/core';
import { RouterLink } from '@angular/router';

import { Session } from '../../core/auth/session';

/** Stands where a page is that the caller may not open. */
@Component({
  selector: 'shop-access-needed',
  imports: [RouterLink],
  template: `
    @if (session.isSignedIn()) {
      <h1>This page is for staff</h1>
      <p>Your account has no staff access. Ask the shop for it.</p>
    } @else {
      <h1>Sign in to see this page</h1>
      <p>Use “Sign in” at the top of the page, and you come back here.</p>
    }
    <p><a routerLink="/products">See all products</a></p>
  `,
})
export class AccessNeeded {
  protected readonly session = inject(Session);
}
