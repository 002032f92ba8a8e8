import { Injectable, signal } from '@angular/core';

/** One sentence or none. It is an object, so that the same sentence is read a second time. */
type Messages = readonly [] | readonly [{ text: string }];

/** Says what has happened: in a live region, so that a screen reader reads it, and on the page. */
@Injectable({ providedIn: 'root' })
export class Announcer {
  /** What has happened, such as a product that was saved. */
  readonly message = signal<Messages>([]);
  /** What went wrong, and is not shown elsewhere on the page. */
  readonly warning = signal<Messages>([]);

  say(text: string): void {
    this.warning.set([]);
    this.message.set([{ text }]);
  }

  alert(text: string): void {
    this.message.set([]);
    this.warning.set([{ text }]);
  }

  dismiss(): void {
    this.message.set([]);
    this.warning.set([]);
  }
}
