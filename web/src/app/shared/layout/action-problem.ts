import { DestroyRef, inject, Injectable, signal } from '@angular/core';

import { problemOf } from '../../core/api/problem';
import { Announcer } from '../../core/announcer';

/** Why the last action of a page failed. Each page that has actions provides its own. */
@Injectable()
export class ActionProblem {
  private readonly page = inject(DestroyRef);
  private readonly announcer = inject(Announcer);
  readonly error = signal<unknown>(undefined);

  /** Show the error on the page, or announce it if the person has left the page. */
  report(error: unknown): void {
    if (this.page.destroyed) this.announcer.alert(`Not done: ${problemOf(error).detail}`);
    else this.error.set(error);
  }

  /** Forget the error of the action before. */
  clear(): void {
    this.error.set(undefined);
  }
}
