import { Component, inject, Injector, input, type OnInit, signal } from '@angular/core';
import { FormField } from '@angular/forms/signals';

import type { Review } from '../api/items';
import type { Fields } from '../api/merge';
import { Session } from '../auth/session';
import { Control } from '../forms/control';
import type { Draft } from '../forms/drafts';
import { createEditor, type Editor } from '../forms/editor';
import { Field } from '../forms/field';
import { FormActions } from '../forms/form-actions';
import { Saver } from '../forms/saver';

interface ReviewValues extends Record<string, string> {
  review: string;
  rating: string;
  name: string;
}

/** Writes a review of a product, or changes one. */
@Component({
  selector: 'shop-review-form',
  imports: [Control, Field, FormActions, FormField],
  template: `
    @let editor = this.editor()!;
    <form class="form" novalidate (submit)="$event.preventDefault(); editor.submit()">
      <shop-field label="Review">
        <textarea [formField]="editor.fields.review" rows="3"></textarea>
      </shop-field>
      <shop-field label="Rating">
        <select [formField]="editor.fields.rating">
          <option value="">No rating</option>
          @for (rating of ratings; track rating) {
            <option [value]="rating">{{ rating }}</option>
          }
        </select>
      </shop-field>
      <shop-field label="Name" hint="Everybody sees it. Without one, the shop makes one up.">
        <input [formField]="editor.fields.name" autocomplete="name" />
      </shop-field>
      <shop-form-actions
        [problem]="editor.problem()"
        [isSaving]="editor.fields().submitting()"
        [canCancel]="review() !== undefined"
        (cancelled)="cancel()"
      />
    </form>
  `,
})
export class ReviewForm implements OnInit {
  /** Of a new review. */
  readonly productId = input<string>();
  /** The review to change. */
  readonly review = input<Review>();
  // Inputs, because the form is rendered by ngComponentOutlet, which has no outputs.
  readonly saved = input.required<(review: Review) => void>();
  readonly cancelled = input<() => void>();

  private readonly injector = inject(Injector);
  private readonly session = inject(Session);
  private readonly saver = inject(Saver);
  protected readonly ratings = ['5', '4', '3', '2', '1'];
  // Another one after each new review.
  protected readonly editor = signal<Editor<ReviewValues> | undefined>(undefined);

  ngOnInit(): void {
    this.open();
    // The button Edit has gone.
    if (this.review()) this.editor()?.focus();
  }

  protected cancel(): void {
    this.editor()?.discard();
    this.cancelled()?.();
  }

  private open(): void {
    const review = this.review();
    const editor = createEditor<ReviewValues>(this.injector, {
      name: review ? `reviews/${review.id}` : `products/${this.productId()}/reviews`,
      values: {
        review: review?.review ?? '',
        rating: review?.rating?.toString() ?? '',
        name: review?.name ?? (review ? '' : (this.session.name() ?? '')),
      },
      base: review,
      save: (values, draft) => (review ? this.change(values, draft) : this.create(values, draft)),
    });
    this.editor.set(editor);
  }

  private async create(values: ReviewValues, draft: Draft<ReviewValues>): Promise<boolean> {
    const fields = { ...fieldsOf(values), productId: this.productId() };
    const review = await this.saver.create<Review>(['reviews'], fields, draft);
    this.saved()(review);
    // The form stays, for another one.
    this.editor()?.discard();
    this.open();
    return true;
  }

  private async change(values: ReviewValues, draft: Draft<ReviewValues>): Promise<boolean> {
    const base = draft.base as Review;
    const review = await this.saver.update(['reviews', base.id], base, fieldsOf(values));
    if (review) this.saved()(review);
    return review !== undefined;
  }
}

function fieldsOf({ review, rating, name }: ReviewValues): Fields {
  return {
    review,
    rating: rating ? Number(rating) : undefined,
    name: name.trim() ? name : undefined,
  };
}
