import { Component, inject, Injector, input, type OnInit, output, signal } from '@angular/core';
import { FormField } from '@angular/forms/signals';

import type { Todo } from '../api/items';
import { Control } from '../forms/control';
import type { Draft } from '../forms/drafts';
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
    @let editor = this.editor()!;
    <form class="form inline" novalidate (submit)="$event.preventDefault(); editor.submit()">
      <shop-field label="Task">
        <input [formField]="editor.fields.task" autocomplete="off" />
      </shop-field>
      <shop-form-actions
        [problem]="editor.problem()"
        [isSaving]="editor.fields().submitting()"
        [canCancel]="todo() !== undefined"
        (cancelled)="cancel()"
      />
    </form>
  `,
})
export class TodoForm implements OnInit {
  /** The todo to change. */
  readonly todo = input<Todo | undefined>();
  readonly saved = output<Todo>();
  readonly cancelled = output();

  private readonly injector = inject(Injector);
  private readonly saver = inject(Saver);
  // Another one after each new task.
  protected readonly editor = signal<Editor<TodoValues> | undefined>(undefined);

  ngOnInit(): void {
    this.open();
    if (this.todo()) this.editor()?.focus();
  }

  protected cancel(): void {
    this.editor()?.discard();
    this.cancelled.emit();
  }

  private open(): void {
    const todo = this.todo();
    const editor = createEditor<TodoValues>(this.injector, {
      name: todo ? `todos/${todo.id}` : 'todos',
      values: { task: todo?.task ?? '' },
      base: todo,
      save: (values, draft) => (todo ? this.change(values, draft) : this.create(values, draft)),
    });
    this.editor.set(editor);
  }

  private async create(values: TodoValues, draft: Draft<TodoValues>): Promise<boolean> {
    const todo = await this.saver.create<Todo>(['todos'], values, draft);
    this.saved.emit(todo);
    this.editor()?.discard();
    this.open();
    this.editor()?.focus();
    return true;
  }

  private async change(values: TodoValues, draft: Draft<TodoValues>): Promise<boolean> {
    const base = draft.base as Todo;
    const todo = await this.saver.update(['todos', base.id], base, values);
    if (todo) this.saved.emit(todo);
    return todo !== undefined;
  }
}
