import { Component, input, output } from '@angular/core';

import { ProblemView } from '../layout/problem-view';

/** The end of a form: why it was not saved, and the buttons Save and Cancel. */
@Component({
  selector: 'shop-form-actions',
  imports: [ProblemView],
  template: `
    @if (problem(); as error) {
      <shop-problem [error]="error" [canRetry]="false" />
    }
    <div class="actions">
      <!-- Not disabled while it saves: a disabled button loses the focus. -->
      <button type="submit" [attr.aria-busy]="isSaving() || null">Save</button>
      <!-- Not while it saves: the request may have happened already. -->
      @if (canCancel() && !isSaving()) {
        <button type="button" class="quiet" (click)="cancelled.emit()">Cancel</button>
      }
    </div>
  `,
})
export class FormActions {
  readonly problem = input<unknown>();
  readonly isSaving = input(false);
  readonly canCancel = input(true);
  readonly cancelled = output();
}
