import { Component, inject, Injector, input, type OnInit, output } from '@angular/core';
import { FormField } from '@angular/forms/signals';

import type { Todo } from '../../core/api/items';
import { Todos } from '../../core/api/resources';
import { FieldControl } from '../../shared/forms/field-control';
import { draftForm, type DraftForm } from '../../shared/forms/draft-form';
import { LabeledField } from '../../shared/forms/labeled-field';
import { FormActions } from '../../shared/forms/form-actions';
import { Saver } from '../../shared/forms/saver';

interface TodoValues extends Record<string, string> {
  task: string;
}

/** Writes a task, or changes one. */
@Component({
  selector: 'shop-todo-form',
  imports: [FieldControl, LabeledField, FormActions, FormField],
  template: `
    <form class="form inline" novalidate (submit)="$event.preventDefault(); editor.submit()">
      <shop-field label="Task">
        <input [formField]="editor.fields().task" autocomplete="off" />
      </shop-field>
      <shop-form-actions
        [problem]="editor.problem()"
        [isSaving]="editor.isSaving()"
        [canCancel]="todo() !== undefined || editor.isChanged()"
        (cancelled)="cancel()"
      />
    </form>
  `,
})
export class TodoForm implements OnInit {
  /** The todo to change. */
  readonly todo = input<Todo | undefined>();
  /** Shows the stored todo, also if the form has gone in the meantime. */
  readonly onStored = input.required<(todo: Todo) => void>();
  readonly saved = output<Todo>();
  readonly cancelled = output();

  private readonly injector = inject(Injector);
  private readonly todos = inject(Todos);
  private readonly saver = inject(Saver);
  protected editor!: DraftForm<TodoValues, Todo>;

  ngOnInit(): void {
    const item = this.todo();
    this.editor = draftForm<TodoValues, Todo>(this.injector, {
      name: item ? `todos/${item.id}` : 'todos',
      item,
      values: (todo) => ({ task: todo?.task ?? '' }),
      save: (draft) =>
        item
          ? this.saver.update(this.todos, draft.base ?? item, draft.values)
          : this.saver.create(this.todos, draft.values, draft),
      message: ({ task }) => (item ? `“${task}” is saved.` : `“${task}” is on the board.`),
      onStored: this.onStored(),
      onSaved: (todo) => {
        this.saved.emit(todo);
        // The form stays, for another task.
        if (!item) this.startOver();
      },
    });
    if (item) this.editor.focus();
  }

  protected cancel(): void {
    this.startOver();
    this.cancelled.emit();
  }

  private startOver(): void {
    this.editor.reset();
    this.editor.focus();
  }
}
