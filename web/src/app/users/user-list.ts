import { Component, computed, inject, input } from '@angular/core';
import { Router } from '@angular/router';

import { listResource } from '../api/api';
import type { User } from '../api/items';
import { problemOf } from '../api/problem';
import { DayPipe } from '../layout/day.pipe';
import { More } from '../layout/more';
import { ProblemView } from '../layout/problem-view';

/** The shop's customers, for staff. The search is in the address. */
@Component({
  selector: 'shop-user-list',
  imports: [DayPipe, More, ProblemView],
  templateUrl: './user-list.html',
})
export class UserList {
  // Query parameters.
  readonly email = input<string>();
  readonly username = input<string>();

  private readonly router = inject(Router);
  protected readonly list = listResource<User>(() => ({
    segments: ['users'],
    parameters: { email: this.email(), username: this.username() },
  }));
  protected readonly elementId = ({ userId }: User) => `user-${userId}`;

  protected readonly fields = [
    { parameter: 'email', label: 'Email', value: this.email },
    { parameter: 'username', label: 'Username', value: this.username },
  ] as const;
  protected readonly isSearch = computed(() => Boolean(this.email() ?? this.username()));
  /** What is wrong with the search, by field. */
  protected readonly errors = computed(() => {
    const error = this.list.error();
    const errors = error ? problemOf(error).errors : [];
    return new Map(errors.map(({ field, message }) => [field, message]));
  });
  protected readonly summary = computed(() => {
    const count = this.list.items()?.length;
    if (count === undefined) return '';
    const users = count === 1 ? '1 user' : `${count} users`;
    return this.list.hasMore() ? `The first ${users}` : users;
  });

  /** Search by one of the two: an email and a username are unique, each for itself. */
  protected async search(parameter: 'email' | 'username', typed: string): Promise<void> {
    const queryParams = { [parameter]: typed.trim() || undefined };
    await this.router.navigate([], { queryParams });
  }
}
