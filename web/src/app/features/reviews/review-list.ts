import { Component, computed, inject, input, linkedSignal } from '@angular/core';

import { Reviews } from '../../core/api/resources';
import type { Review } from '../../core/api/items';
import { Session } from '../../core/auth/session';
import { Saver } from '../../shared/forms/saver';
import { LoadFailed } from '../../shared/layout/load-failed';
import { ActionProblem } from '../../shared/layout/action-problem';
import { Announcer } from '../../core/announcer';
import { DayPipe } from '../../shared/layout/day.pipe';
import { Focus } from '../../core/focus';
import { LoadMore } from '../../shared/layout/load-more';
import { ProblemView } from '../../shared/layout/problem-view';
import { MyReviews } from './my-reviews';
import { ReviewForm } from './review-form';
import { Stars } from './stars';

/** The reviews of a product, newest first. Callers write, change and delete their own. */
@Component({
  selector: 'shop-review-list',
  imports: [DayPipe, LoadFailed, LoadMore, ProblemView, ReviewForm, Stars],
  providers: [ActionProblem],
  templateUrl: './review-list.html',
})
export class ReviewList {
  readonly productId = input.required<string>();
  /** Whether the product exists, so that reviews of it can be written. */
  readonly canWrite = input(false);

  protected readonly session = inject(Session);
  private readonly reviews = inject(Reviews);
  private readonly mine = inject(MyReviews);
  private readonly saver = inject(Saver);
  private readonly announcer = inject(Announcer);
  private readonly focus = inject(Focus);
  protected readonly list = this.reviews.ofProduct(() => this.productId());
  /** The key of the review that is being changed. */
  protected readonly editing = linkedSignal<string | undefined>(() => {
    this.productId();
    return undefined;
  });
  protected readonly problem = inject(ActionProblem);
  /** Whether the form for a new review is shown. */
  protected readonly isWriting = computed(
    () => this.canWrite() && this.session.isSignedIn() && !this.editing(),
  );

  protected canChange(review: Review): boolean {
    return this.session.isStaff() || this.mine.has(review.id);
  }

  /** Show a stored review: at its place, or as the newest one. */
  protected readonly show = (review: Review): void => {
    const isNew = !this.list.items()?.some(({ id }) => id === review.id);
    if (isNew) this.mine.add(review.id);
    this.list.update((items) =>
      isNew ? [review, ...items] : items.map((each) => (each.id === review.id ? review : each)),
    );
  };

  protected onSaved(review: Review): void {
    this.editing.set(undefined);
    this.focus.on(`review-${review.id}`);
  }

  protected cancel(): void {
    this.focus.on(`review-${this.editing() ?? ''}`);
    this.editing.set(undefined);
  }

  protected async delete(review: Review): Promise<void> {
    this.problem.clear();
    try {
      if (!(await this.saver.delete(this.reviews, review, 'the review'))) return;
    } catch (error) {
      this.problem.report(error);
      return;
    }
    this.list.update((items) => items.filter(({ id }) => id !== review.id));
    this.announcer.say('The review is deleted.');
    this.focus.on('reviews-heading');
  }
}
