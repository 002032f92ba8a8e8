import { Component, computed, inject, signal } from '@angular/core';

import type { PagedList } from '../../core/api/paged-list';
import { Todos } from '../../core/api/resources';
import type { Todo } from '../../core/api/items';
import { problemOf } from '../../core/api/problem';
import { Session } from '../../core/auth/session';
import { Saver } from '../../shared/forms/saver';
import { ActionProblem } from '../../shared/layout/action-problem';
import { Announcer } from '../../core/announcer';
import { Focus } from '../../core/focus';
import { LoadMore } from '../../shared/layout/load-more';
import { ProblemView } from '../../shared/layout/problem-view';
import { Draggable } from './draggable';
import { TodoForm } from './todo-form';

type Status = Todo['status'];

interface Column {
  status: Status;
  title: string;
  list: PagedList<Todo>;
}

/** A todo on its way: the stored one, and the column that the person wants it in. */
interface Move {
  stored: Todo;
  wanted: Status;
}

/** The caller's own todos, as three columns. */
@Component({
  selector: 'shop-todo-board',
  imports: [Draggable, LoadMore, ProblemView, TodoForm],
  providers: [ActionProblem],
  templateUrl: './todo-board.html',
})
export class TodoBoard {
  private readonly todos = inject(Todos);
  private readonly session = inject(Session);
  private readonly saver = inject(Saver);
  private readonly announcer = inject(Announcer);
  private readonly focus = inject(Focus);
  private readonly moves = new Map<string, Move>();
  /** The keys of todos that are gone: an answer to an earlier move may still come. */
  private readonly deleted = new Set<string>();

  protected readonly columns: readonly Column[] = [
    this.column('pending', 'Pending'),
    this.column('in_progress', 'In progress'),
    this.column('done', 'Done'),
  ];
  /** The first column that could not be loaded. */
  protected readonly failed = computed(() => this.columns.find(({ list }) => list.error()));
  protected readonly editing = signal<Todo | undefined>(undefined);
  protected readonly problem = inject(ActionProblem);
  /** The column that a card is dragged over. */
  protected readonly target = signal<string | undefined>(undefined);

  protected onSaved(todo: Todo): void {
    const isChanged = this.editing() !== undefined;
    this.editing.set(undefined);
    if (isChanged) this.focus.on(`todo-${todo.id}`);
  }

  protected cancel(): void {
    const todo = this.editing();
    this.editing.set(undefined);
    if (todo) this.focus.on(`todo-${todo.id}`);
  }

  /**
   * Show the todo in another column at once, and store it. Moves of one todo are stored one after
   * the other, each under the etag of the one before.
   */
  protected async move(todo: Todo, wanted: Status): Promise<void> {
    this.target.set(undefined);
    if (todo.status === wanted) return;
    this.show({ ...todo, status: wanted });
    this.focus.on(`todo-${todo.id}`);
    const running = this.moves.get(todo.id);
    if (running) {
      running.wanted = wanted;
      return;
    }
    const move = { stored: todo, wanted };
    this.moves.set(todo.id, move);
    this.problem.clear();
    try {
      await this.persist(move);
      const title = this.columns.find(({ status }) => status === move.stored.status)?.title;
      this.announcer.say(`“${move.stored.task}” is in the column ${title}.`);
    } catch (error) {
      const { status } = problemOf(error);
      if (status === 401) await this.session.signIn();
      if (status === 404) this.deleted.add(todo.id);
      this.problem.report(error);
    } finally {
      this.moves.delete(todo.id);
      this.show(move.stored);
      // Back in another column, the card is another element. Otherwise the person may be elsewhere.
      if (move.stored.status !== move.wanted) this.focus.on(`todo-${todo.id}`);
    }
  }

  protected drop(todo: Todo, status: string | undefined): void {
    const column = this.columns.find((each) => each.status === status);
    void this.move(todo, column?.status ?? todo.status);
  }

  protected async delete(todo: Todo): Promise<void> {
    this.problem.clear();
    try {
      if (!(await this.saver.delete(this.todos, todo, `“${todo.task}”`))) return;
    } catch (error) {
      this.problem.report(error);
      return;
    }
    this.deleted.add(todo.id);
    this.show(todo);
    if (this.editing()?.id === todo.id) this.editing.set(undefined);
    this.announcer.say(`“${todo.task}” is deleted.`);
    this.focus.on(`column-${todo.status}`);
  }

  private async persist(move: Move): Promise<void> {
    let sent: Status;
    do {
      sent = move.wanted;
      const stored = await this.saver.update(this.todos, move.stored, { status: sent });
      if (!stored) {
        // Cancelled: it stays where somebody else has moved it.
        move.stored = await this.todos.read(move.stored.id);
        return;
      }
      move.stored = stored;
      // Again, if the person has moved it on in the meantime.
    } while (move.wanted !== sent);
  }

  /** Show a todo in the column of its status, newest first; in none if it is deleted. */
  protected readonly show = (todo: Todo): void => {
    for (const { status, list } of this.columns) {
      list.update((all) => {
        const others = all.filter(({ id }) => id !== todo.id);
        if (status !== todo.status || this.deleted.has(todo.id)) return others;
        const index = others.findIndex(({ createdAt }) => createdAt < todo.createdAt);
        return others.toSpliced(index < 0 ? others.length : index, 0, todo);
      });
    }
  };

  private column(status: Status, title: string): Column {
    return { status, title, list: this.todos.list(() => ({ status })) };
  }
}
