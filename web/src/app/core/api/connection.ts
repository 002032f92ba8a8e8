import { computed, Injectable, signal } from '@angular/core';
import { Observable } from 'rxjs';

/** Why a request waits to be repeated. */
export type Reason = 'offline' | 'busy' | 'unreachable';

interface Waiting {
  reason: Reason;
  /** When the request is repeated, in milliseconds; undefined while the browser is offline. */
  until: number | undefined;
  retry: () => void;
}

/** The requests that wait to be repeated, for the bar that shows it. */
@Injectable({ providedIn: 'root' })
export class Connection {
  private readonly waiting = signal<readonly Waiting[]>([]);

  /** The first request that waits. */
  readonly first = computed(() => this.waiting().at(0));

  /** Emits after some seconds, when the browser is online again, or on `retryNow`. */
  wait(seconds: number, reason: Reason): Observable<void> {
    return new Observable((subscriber) => {
      const offline = reason === 'offline';
      const entry: Waiting = {
        reason,
        until: offline ? undefined : Date.now() + seconds * 1000,
        retry: () => {
          subscriber.next();
          subscriber.complete();
        },
      };
      const timer = offline ? undefined : setTimeout(entry.retry, seconds * 1000);
      addEventListener('online', entry.retry);
      this.waiting.update((all) => [...all, entry]);
      return () => {
        clearTimeout(timer);
        removeEventListener('online', entry.retry);
        this.waiting.update((all) => all.filter((each) => each !== entry));
      };
    });
  }

  /** Repeat every waiting request. */
  retryNow(): void {
    for (const { retry } of this.waiting()) retry();
  }
}
