import { afterNextRender, inject, Injectable, Injector } from '@angular/core';

/** Moves the focus to what has changed. */
@Injectable({ providedIn: 'root' })
export class Focus {
  private readonly injector = inject(Injector);

  /** Focus the element with an id, once it is rendered. */
  on(id: string): void {
    afterNextRender(() => document.getElementById(id)?.focus(), { injector: this.injector });
  }
}
