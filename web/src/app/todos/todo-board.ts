import { Component, computed, inject, signal } from '@angular/core';

import { Api, type List, listResource } from '../api/api';
import type { Todo } from '../api/items';
import { problemOf } from '../api/problem';
import { Session } from '../auth/session';
import { Saver } from '../forms/saver';
import { ActionProblem } from '../layout/action-problem';
import { Announcer } from '../layout/announcer';
import { Focus } from '../layout/focus';
import { More } from '../layout/more';
import { ProblemView } from '../layout/problem-view';
import { Draggable } from './draggable';
import { TodoForm } from './todo-form';

type Status = Todo['status'];

interface Column {
  status: Status;
  title: string;
  list: List<Todo>;
}

/** A todo on its way: the stored one, and the column that the person wants it in. */
interface Move {
  stored: Todo;
  wanted: Status;
}

/** The caller's own todos, as three columns. */
@Component({
  selector: 'shop-todo-board',
  imports: [Draggable, More, ProblemView, TodoForm],
  providers: [ActionProblem],
  templateUrl: './todo-board.html',
})
export class TodoBoard {
  private readonly api = inject(Api);
  private readonly session = inject(Session);
  private readonly saver = inject(Saver);
  private readonly announcer = inject(Announcer);
  private readonly focus = inject(Focus);
  private readonly moves = new Map<string, Move>();
  /** The keys of todos that are gone: an answer to an earlier move may still come. */
  private readonly deleted = new Set<string>();

  protected readonly columns: readonly Column[] = [
    column('pending', 'Pending'),
    column('in_progress', 'In progress'),
    column('done', 'Done'),
  ];
  /** The first column that could not be loaded. */
  protected readonly failed = computed(() => this.columns.find(({ list }) => list.error()));
  protected readonly editing = signal<Todo | undefined>(undefined);
  protected readonly problem = inject(ActionProblem);
  /** The column that a card is dragged over. */
  protected readonly target = signal<string | undefined>(undefined);

  protected saved(todo: Todo): void {
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
    this.place({ ...todo, status: wanted });
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
      await this.store(move);
      const title = this.columns.find(({ status }) => status === move.stored.status)?.title;
      this.announcer.say(`“${move.stored.task}” is in the column ${title}.`);
    } catch (error) {
      const { status } = problemOf(error);
      if (status === 401) await this.session.signIn();
      if (status === 404) this.deleted.add(todo.id);
      this.problem.report(error);
    } finally {
      this.moves.delete(todo.id);
      this.place(move.stored);
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
      if (!(await this.saver.delete(['todos', todo.id], todo, `“${todo.task}”`))) return;
    } catch (error) {
      this.problem.report(error);
      return;
    }
    this.deleted.add(todo.id);
    this.place(todo);
    if (this.editing()?.id === todo.id) this.editing.set(undefined);
    this.announcer.say(`“${todo.task}” is deleted.`);
    this.focus.on(`column-${todo.status}`);
  }

  private async store(move: Move): Promise<void> {
    let sent: Status;
    do {
      sent = move.wanted;
      const path = ['todos', move.stored.id];
      const stored = await this.saver.update(path, move.stored, { status: sent });
      if (!stored) {
        // Cancelled: it stays where somebody else has moved it.
        move.stored = await this.api.read<Todo>(path);
        return;
      }
      move.stored = stored;
      // Again, if the person has moved it on in the meantime.
    } while (move.wanted !== sent);
  }

  /** Show a todo in the column of its status, newest first; in none if it is deleted. */
  protected readonly place = (todo: Todo): void => {
    for (const { status, list } of this.columns) {
      list.update((all) => {
        const others = all.filter(({ id }) => id !== todo.id);
        if (status !== todo.status || this.deleted.has(todo.id)) return others;
        const index = others.findIndex(({ createdAt }) => createdAt < todo.createdAt);
        return others.toSpliced(index < 0 ? others.length : index, 0, todo);
      });
    }
  };
}

function column(status: Status, title: string): Column {
  const list = listResource<Todo>(
    () => ({ segments: ['todos'], parameters: { status } }),
    ({ id }) => id,
  );
  return { status, title, list };
}
