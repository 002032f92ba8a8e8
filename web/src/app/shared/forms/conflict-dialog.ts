import { Component, type ElementRef, signal, viewChild } from '@angular/core';

import type { Conflict, MergePatch } from '../../core/api/merge';
import type { Dialog } from './dialog';

/** Asks which value of each field to keep, after somebody else has changed the same fields. */
@Component({
  selector: 'shop-conflict-dialog',
  template: `
    <dialog #dialog aria-labelledby="conflict-title" (close)="end()">
      <h2 id="conflict-title">Somebody else has changed this, too</h2>
      <p>Choose what to keep. Everything else that you have changed is saved as well.</p>
      <form method="dialog">
        @for (conflict of conflicts(); track conflict.field) {
          <fieldset>
            <legend>{{ title(conflict.field) }}</legend>
            <label>
              <input type="radio" value="mine" checked [name]="conflict.field" />
              <span><b>Yours:</b> {{ text(conflict.mine) }}</span>
            </label>
            <label>
              <input type="radio" value="theirs" [name]="conflict.field" />
              <span><b>Theirs:</b> {{ text(conflict.theirs) }}</span>
            </label>
          </fieldset>
        }
        <div class="actions">
          <button type="submit" value="save">Save</button>
          <button type="submit" class="quiet" value="">Cancel</button>
        </div>
      </form>
    </dialog>
  `,
})
export class ConflictDialog implements Dialog<readonly Conflict[], MergePatch | undefined> {
  readonly element = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');
  protected readonly conflicts = signal<readonly Conflict[]>([]);
  private answer: ((answer: MergePatch | undefined) => void) | undefined;

  async ask(conflicts: readonly Conflict[]): Promise<MergePatch | undefined> {
    this.conflicts.set(conflicts);
    return new Promise((resolve) => {
      this.answer = resolve;
    });
  }

  protected title(field: string): string {
    return field.charAt(0).toUpperCase() + field.slice(1);
  }

  protected text(value: unknown): string {
    return value === undefined || value === '' ? '(empty)' : (value as string);
  }

  protected end(): void {
    const { nativeElement: dialog } = this.element();
    if (dialog.returnValue !== 'save') {
      this.answer?.(undefined);
      return;
    }
    const chosen = new FormData(dialog.querySelector('form') ?? undefined);
    const mine = this.conflicts().filter(({ field }) => chosen.get(field) === 'mine');
    this.answer?.(Object.fromEntries(mine.map((each) => [each.field, each.mine ?? null])));
  }
}
