import { Component, computed, contentChild, input } from '@angular/core';
import { FormField } from '@angular/forms/signals';

let count = 0;

/** A labelled control, its hint, and what the API says is wrong with its value. */
@Component({
  selector: 'shop-field',
  template: `
    <label [for]="id">{{ label() }}</label>
    @if (hint()) {
      <p class="hint" [id]="id + '-hint'">{{ hint() }}</p>
    }
    <ng-content />
    @for (error of errors(); track error) {
      <p class="field-error" [id]="id + '-error'">{{ label() }} {{ error.message }}.</p>
    }
  `,
  host: { class: 'field' },
})
export class LabeledField {
  readonly label = input.required<string>();
  readonly hint = input('');
  readonly id = `field-${(count += 1)}`;
  private readonly control = contentChild.required(FormField);
  readonly errors = computed(() => this.control().errors());
  readonly isReadonly = computed(() => this.control().state().readonly());
  /** The ids of what describes the control. */
  readonly description = computed(
    () =>
      [
        ...(this.hint() ? [`${this.id}-hint`] : []),
        ...(this.errors().length ? [`${this.id}-error`] : []),
      ].join(' ') || null,
  );
}
