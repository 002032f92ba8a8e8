import { Component, DestroyRef, effect, inject, Injector, input } from '@angular/core';
import { Title } from '@angular/platform-browser';
import { Router, RouterLink } from '@angular/router';

import { Products } from '../../core/api/resources';
import type { Product } from '../../core/api/items';
import { Session } from '../../core/auth/session';
import { LoadFailed } from '../../shared/layout/load-failed';
import { ReviewList } from '../reviews/review-list';
import { ActionProblem } from '../../shared/layout/action-problem';
import { Announcer } from '../../core/announcer';
import { PricePipe } from '../../shared/layout/price.pipe';
import { ProblemView } from '../../shared/layout/problem-view';
import { ProductTile } from './product-tile';

/** A product and its reviews. */
@Component({
  selector: 'shop-product-page',
  imports: [LoadFailed, PricePipe, ProblemView, ProductTile, ReviewList, RouterLink],
  providers: [ActionProblem],
  template: `
    @if (product.hasValue()) {
      <article class="product">
        <shop-product-tile [name]="product.value().name" />
        <div>
          <h1>{{ product.value().name }}</h1>
          <p class="price">{{ product.value().price | price }}</p>
          <p class="prose">{{ product.value().description }}</p>
          @if (session.isStaff()) {
            <div class="actions">
              <button type="button" class="quiet" [routerLink]="['/products', key(), 'edit']">
                Edit
              </button>
              <button type="button" class="quiet danger" (click)="delete(product.value())">
                Delete
              </button>
            </div>
          }
          <!-- Also for a person who is not staff any more, because the session has ended. -->
          @if (problem.error(); as error) {
            <shop-problem [error]="error" [canRetry]="false" />
          }
        </div>
      </article>
    } @else if (product.error()) {
      <h1>This product cannot be shown</h1>
      <shop-problem [error]="product.error()" (retry)="product.reload()" />
    } @else {
      <article class="product skeleton" aria-busy="true" aria-label="Loading">
        <span class="tile"></span>
        <div>
          <h1 aria-label="Product"><i></i></h1>
          <i></i><i></i>
        </div>
      </article>
    }
    <!-- The reviews of a deleted product stay. -->
    <section class="reviews">
      <!-- After the product, and not in the first download. -->
      @defer (on immediate) {
        <shop-review-list [productId]="key()" [canWrite]="product.hasValue()" />
      } @error {
        <shop-load-failed />
      }
    </section>
  `,
})
export class ProductPage {
  /** The path parameter. */
  readonly key = input.required<string>();

  protected readonly session = inject(Session);
  private readonly products = inject(Products);
  private readonly injector = inject(Injector);
  private readonly announcer = inject(Announcer);
  private readonly router = inject(Router);
  private readonly page = inject(DestroyRef);
  protected readonly product = this.products.item(() => this.key());
  protected readonly problem = inject(ActionProblem);

  constructor() {
    const title = inject(Title);
    effect(() => {
      if (!this.product.hasValue()) return;
      // In an isolate (Unicode UAX 9): a name may begin with a mark that turns what follows it.
      title.setTitle(`\u2068${this.product.value().name}\u2069 · Storefront`);
    });
  }

  protected async delete(product: Product): Promise<void> {
    this.problem.clear();
    try {
      const { Saver } = await import('../../shared/forms/saver');
      const saver = this.injector.get(Saver);
      if (!(await saver.delete(this.products, product, product.name))) return;
    } catch (error) {
      this.problem.report(error);
      return;
    }
    if (!this.page.destroyed) await this.router.navigate(['/products']);
    this.announcer.say(`${product.name} is deleted.`);
  }
}
