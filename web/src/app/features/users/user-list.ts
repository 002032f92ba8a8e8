import { Component, computed, inject, input } from '@angular/core';
import { Router } from '@angular/router';

import { Users } from '../../core/api/resources';
import { parameterErrors } from '../../core/api/problem';
import { DayPipe } from '../../shared/layout/day.pipe';
import { LoadMore } from '../../shared/layout/load-more';
import { ProblemView } from '../../shared/layout/problem-view';

/** The shop's customers, for staff. The search is in the address. */
@Component({
  selector: 'shop-user-list',
  imports: [DayPipe, LoadMore, ProblemView],
  templateUrl: './user-list.html',
})
export class UserList {
  // Query parameters.
  readonly email = input<string>();
  readonly username = input<string>();

  private readonly router = inject(Router);
  protected readonly list = inject(Users).list(() => ({
    email: this.email(),
    username: this.username(),
  }));

  protected readonly fields = [
    { parameter: 'email', label: 'Email', value: this.email },
    { parameter: 'username', label: 'Username', value: this.username },
  ] as const;
  protected readonly isSearch = computed(() => [this.email(), this.username()].some(Boolean));
  /** What is wrong with the search, by field. */
  protected readonly errors = computed(() =>
    parameterErrors(this.list.error(), ['email', 'username']),
  );
  protected readonly summary = computed(() => this.list.summary('user'));

  /** Search by one of the two: an email and a username are unique, each for itself. */
  protected async search(parameter: 'email' | 'username', typed: string): Promise<void> {
    const queryParams = { [parameter]: typed.trim() || undefined };
    await this.router.navigate([], { queryParams });
  }
}
