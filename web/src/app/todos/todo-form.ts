import { Component, inject, Injector, input, type OnInit, output } from '@angular/core';
import { FormField } from '@angular/forms/signals';

import type { Todo } from '../api/items';
import { Control } from '../forms/control';
import { createEditor, type Editor } from '../forms/editor';
import { Field } from '../forms/field';
import { FormActions } from '../forms/form-actions';
import { Saver } from '../forms/saver';

interface TodoValues extends Record<string, string> {
  task: string;
}

/** Writes a task, or changes one. */
@Component({
  selector: 'shop-todo-form',
  imports: [Control, Field, FormActions, FormField],
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
  readonly stored = input.required<(todo: Todo) => void>();
  readonly saved = output<Todo>();
  readonly cancelled = output();

  private readonly injector = inject(Injector);
  private readonly saver = inject(Saver);
  protected editor!: Editor<TodoValues, Todo>;

  ngOnInit(): void {
    const item = this.todo();
    this.editor = createEditor<TodoValues, Todo>(this.injector, {
      name: item ? `todos/${item.id}` : 'todos',
      item,
      values: (todo) => ({ task: todo?.task ?? '' }),
      save: (draft) =>
        item
          ? this.saver.update(['todos', item.id], draft.base ?? item, draft.values)
          : this.saver.create<Todo>(['todos'], draft.values, draft),
      message: ({ task }) => (item ? `“${task}” is saved.` : `“${task}” is on the board.`),
      stored: this.stored(),
      saved: (todo) => {
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
