import { Injectable, signal } from '@angular/core';

/** Says what has happened: in a live region, so that a screen reader reads it, and on the page. */
@Injectable({ providedIn: 'root' })
export class Announcer {
  /** What has happened, such as a product that was saved. */
  readonly message = signal('');
  /** What went wrong, and is not shown elsewhere on the page. */
  readonly warning = signal('');

  say(message: string): void {
    this.warning.set('');
    this.message.set(message);
  }

  alert(warning: string): void {
    this.message.set('');
    this.warning.set(warning);
  }

  dismiss(): void {
    this.message.set('');
    this.warning.set('');
  }
}
