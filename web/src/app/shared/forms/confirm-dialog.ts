import { Component, type ElementRef, signal, viewChild } from '@angular/core';

import type { ConfirmQuestion, Dialog } from './dialog';

/** Asks before something is deleted. */
@Component({
  selector: 'shop-confirm-dialog',
  template: `
    <dialog #dialog aria-labelledby="confirm-title" (close)="end()">
      @if (question(); as asked) {
        <h2 id="confirm-title">{{ asked.title }}</h2>
        <p>{{ asked.text }}</p>
        <form method="dialog" class="actions">
          <!-- The first one has the focus: Enter deletes nothing. -->
          <button type="submit" class="quiet" value="">Cancel</button>
          <button type="submit" class="danger" value="yes">{{ asked.action }}</button>
        </form>
      }
    </dialog>
  `,
})
export class ConfirmDialog implements Dialog<ConfirmQuestion, boolean> {
  readonly element = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');
  protected readonly question = signal<ConfirmQuestion | undefined>(undefined);
  private answer: ((answer: boolean) => void) | undefined;

  async ask(question: ConfirmQuestion): Promise<boolean> {
    this.question.set(question);
    return new Promise((resolve) => {
      this.answer = resolve;
    });
  }

  protected end(): void {
    this.answer?.(this.element().nativeElement.returnValue === 'yes');
  }
}
