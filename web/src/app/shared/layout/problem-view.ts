import { Component, computed, inject, input, output } from '@angular/core';
import { RouterLink } from '@angular/router';

import { problemOf } from '../../core/api/problem';
import { Focus } from '../../core/focus';

/** Why something could not be loaded or done, and what the person can do. */
@Component({
  selector: 'shop-problem',
  imports: [RouterLink],
  template: `
    <div class="problem" role="alert">
      <p>
        <strong>{{ problem().detail }}</strong>
      </p>
      @switch (problem().status) {
        @case (400) {
          @if (canRetry()) {
            <p><a [routerLink]="[]">Show this page without the parameters of its address</a></p>
          }
        }
        @case (401) {
          <p>Use “Sign in” at the top of the page.</p>
        }
        @case (403) {
          <p>Ask the shop for access, or sign in as somebody else.</p>
        }
        @case (404) {
          <p>It may have been deleted. <a routerLink="/products">See all products</a></p>
        }
        @default {
          @if (canRetry()) {
            <p><button type="button" (click)="tryNow()">Try now</button></p>
          }
        }
      }
      @if (problem().requestId; as id) {
        <p class="hint">
          If this happens again, send the shop this request id: <code>{{ id }}</code>
        </p>
      }
    </div>
  `,
})
export class ProblemView {
  readonly error = input.required<unknown>();
  readonly canRetry = input(true);
  readonly retry = output();
  private readonly focus = inject(Focus);
  protected readonly problem = computed(() => problemOf(this.error()));

  protected tryNow(): void {
    this.retry.emit();
    // The button goes.
    this.focus.on('main');
  }
}
