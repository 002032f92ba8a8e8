import { Component, inject, Injector, input, type OnInit, output } from '@angular/core';
import { FormField } from '@angular/forms/signals';

import type { Review } from '../../core/api/items';
import type { Fields } from '../../core/api/merge';
import { Reviews } from '../../core/api/resources';
import { Session } from '../../core/auth/session';
import { FieldControl } from '../../shared/forms/field-control';
import { draftForm, type DraftForm } from '../../shared/forms/draft-form';
import { LabeledField } from '../../shared/forms/labeled-field';
import { FormActions } from '../../shared/forms/form-actions';
import { Saver } from '../../shared/forms/saver';

interface ReviewValues extends Record<string, string> {
  review: string;
  rating: string;
  name: string;
}

/** Writes a review of a product, or changes one. */
@Component({
  selector: 'shop-review-form',
  imports: [FieldControl, LabeledField, FormActions, FormField],
  template: `
    <form class="form" novalidate (submit)="$event.preventDefault(); editor.submit()">
      <shop-field label="Review">
        <textarea [formField]="editor.fields().review" rows="3"></textarea>
      </shop-field>
      <shop-field label="Rating">
        <select [formField]="editor.fields().rating">
          <option value="">No rating</option>
          @for (rating of ratings; track rating) {
            <option [value]="rating">{{ rating }}</option>
          }
        </select>
      </shop-field>
      <shop-field
        label="Name"
        hint="Everybody sees it. If you leave it empty, the shop makes up a name."
      >
        <input [formField]="editor.fields().name" autocomplete="name" />
      </shop-field>
      <shop-form-actions
        [problem]="editor.problem()"
        [isSaving]="editor.isSaving()"
        [canCancel]="review() !== undefined || editor.isChanged()"
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
  /** Shows the stored review, also if the form has gone in the meantime. */
  readonly onStored = input.required<(review: Review) => void>();
  readonly saved = output<Review>();
  readonly cancelled = output();

  private readonly injector = inject(Injector);
  private readonly session = inject(Session);
  private readonly reviews = inject(Reviews);
  private readonly saver = inject(Saver);
  protected readonly ratings = ['5', '4', '3', '2', '1'];
  protected editor!: DraftForm<ReviewValues, Review>;

  ngOnInit(): void {
    const item = this.review();
    const productId = this.productId();
    this.editor = draftForm<ReviewValues, Review>(this.injector, {
      name: item ? `reviews/${item.id}` : `products/${productId}/reviews`,
      item,
      values: (review) => ({
        review: review?.review ?? '',
        rating: review?.rating?.toString() ?? '',
        name: review?.name ?? (review ? '' : (this.session.name() ?? '')),
      }),
      save: (draft) => {
        const fields = fieldsOf(draft.values);
        return item
          ? this.saver.update(this.reviews, draft.base ?? item, fields)
          : this.saver.create(this.reviews, { ...fields, productId }, draft);
      },
      message: () => (item ? 'The review is saved.' : 'Thank you: your review is here.'),
      onStored: this.onStored(),
      onSaved: (review) => {
        this.saved.emit(review);
        // The form stays, for another one.
        if (!item) this.editor.reset();
      },
    });
    // The button Edit has gone.
    if (item) this.editor.focus();
  }

  protected cancel(): void {
    this.editor.reset();
    this.editor.focus();
    this.cancelled.emit();
  }
}

function fieldsOf({ review, rating, name }: ReviewValues): Fields {
  return {
    review,
    rating: rating ? Number(rating) : undefined,
    name: name.trim() ? name : undefined,
  };
}
