import { Component, effect, inject, signal } from '@angular/core';

import { Connection, type Reason } from '../../core/api/connection';
import { Focus } from '../../core/focus';

const SENTENCES: Record<Reason, string> = {
  offline: 'You are offline. This page goes on when the connection is back.',
  busy: 'The shop is busy.',
  unreachable: 'The shop does not answer.',
};

/** Shows that a request waits to be repeated, and repeats it at once on demand. */
@Component({
  selector: 'shop-connection-bar',
  template: `
    <div class="connection" role="status">
      @if (connection.first(); as waiting) {
        <p>
          {{ sentences[waiting.reason] }}
          @if (waiting.until) {
            <!-- Not read aloud with each second. -->
            <span aria-hidden="true">Trying again in {{ seconds() }} s.</span>
          }
        </p>
        <button type="button" class="small" (click)="retry()">Try now</button>
      }
    </div>
  `,
})
export class ConnectionBar {
  protected readonly connection = inject(Connection);
  protected readonly sentences = SENTENCES;
  protected readonly seconds = signal(0);
  private readonly focus = inject(Focus);

  constructor() {
    effect((onCleanup) => {
      const until = this.connection.first()?.until;
      if (until === undefined) return;
      const count = () => {
        this.seconds.set(Math.max(Math.ceil((until - Date.now()) / 1000), 0));
      };
      count();
      const timer = setInterval(count, 1000);
      onCleanup(() => {
        clearInterval(timer);
      });
    });
  }

  protected retry(): void {
    this.connection.retryNow();
    // The button goes.
    this.focus.on('main');
  }
}
