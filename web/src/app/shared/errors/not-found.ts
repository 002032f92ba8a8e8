import { Component } from '@angular/core';
import { RouterLink } from '@angular/router';

@Component({
  selector: 'shop-not-found',
  imports: [RouterLink],
  template: `
    <h1>There is no such page</h1>
    <p>Check the address, or <a routerLink="/products">see all products</a>.</p>
  `,
})
export class NotFound {}
