import { Component, computed, inject, signal } from '@angular/core';

import type { User } from '../../core/api/items';
import { problemOf } from '../../core/api/problem';
import { Reviews, Todos, Users } from '../../core/api/resources';
import { Session } from '../../core/auth/session';
import { Dialogs } from '../../shared/forms/dialogs';
import { Saver } from '../../shared/forms/saver';
import { ActionProblem } from '../../shared/layout/action-problem';
import { Announcer } from '../../core/announcer';
import { ProblemView } from '../../shared/layout/problem-view';
import { AccountForm } from './account-form';

/** The caller's own user, and what the shop has stored of them. */
@Component({
  selector: 'shop-account-page',
  imports: [AccountForm, ProblemView],
  providers: [ActionProblem],
  template: `
    <h1>Account</h1>
    @if (isNew()) {
      <p>Welcome! Say who you are, and the shop remembers you.</p>
    }
    @if (user.hasValue() || isNew()) {
      <!-- One form for both, so that the first save does not move the focus. -->
      <shop-account-form [user]="stored()" [subject]="subject()" (saved)="user.set($event)" />
    } @else if (user.error()) {
      <shop-problem [error]="user.error()" (retry)="user.reload()" />
    } @else {
      <div class="form skeleton" role="progressbar" aria-label="Loading"><i></i><i></i><i></i></div>
    }
    <h2>Your data</h2>
    <p>Your account, your todos and your reviews, as one file in JSON.</p>
    <div class="actions">
      <button type="button" class="quiet" (click)="download()">Download my data</button>
      @if (user.hasValue()) {
        <button type="button" class="quiet danger" (click)="delete(user.value())">
          Delete my account
        </button>
      }
    </div>
    @if (problem.error(); as error) {
      <shop-problem [error]="error" [canRetry]="false" />
    }
  `,
})
export class AccountPage {
  private readonly users = inject(Users);
  private readonly todos = inject(Todos);
  private readonly reviews = inject(Reviews);
  private readonly session = inject(Session);
  private readonly saver = inject(Saver);
  private readonly dialogs = inject(Dialogs);
  private readonly announcer = inject(Announcer);
  /** As it was when the page was opened: the page stays when the session ends. */
  protected readonly subject = signal(this.session.subject);
  protected readonly user = this.users.item(() => this.subject());
  protected readonly isNew = computed(() => problemOf(this.user.error()).status === 404);
  protected readonly stored = computed(() =>
    this.user.hasValue() ? this.user.value() : undefined,
  );
  protected readonly problem = inject(ActionProblem);

  protected async download(): Promise<void> {
    this.problem.clear();
    try {
      const [user, todos, reviews] = await Promise.all([
        this.users.readOrNone(this.subject()),
        this.todos.readAll(),
        this.reviews.readAll({ author: 'me' }),
      ]);
      const data = { user: user ?? null, todos, reviews };
      downloadFile('my-data.json', JSON.stringify(data, null, 2));
      this.announcer.say('Your data are downloaded.');
    } catch (error) {
      this.problem.report(error);
    }
  }

  protected async delete(user: User): Promise<void> {
    this.problem.clear();
    const isSure = await this.dialogs.confirm({
      title: 'Delete your account?',
      text:
        'Your account and all your todos are deleted, and cannot be brought back. Your reviews ' +
        'stay: to remove them, delete them before your account.',
      action: 'Delete my account',
    });
    if (!isSure) return;
    this.announcer.say('Your account is being deleted.');
    try {
      // The user last: if this stops half-way, the button is still there.
      for (const todo of await this.todos.readAll()) {
        await this.saver.forceDelete(this.todos, todo);
      }
      await this.saver.forceDelete(this.users, user);
    } catch (error) {
      this.problem.report(error);
      return;
    }
    await this.session.signOut();
  }
}

function downloadFile(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
