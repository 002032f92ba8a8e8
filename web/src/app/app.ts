import { Component, type ElementRef, inject, signal, viewChild } from '@angular/core';
import { NavigationEnd, Router, RouterLink, RouterOutlet } from '@angular/router';

import { Session } from './core/auth/session';
import { Announcer } from './core/announcer';
import { ConnectionBar } from './shared/layout/connection-bar';

/** The frame of every page: the navigation, what has happened, and the page itself. */
@Component({
  selector: 'shop-root',
  imports: [ConnectionBar, RouterLink, RouterOutlet],
  templateUrl: './app.html',
})
export class App {
  protected readonly session = inject(Session);
  protected readonly announcer = inject(Announcer);
  private readonly main = viewChild.required<ElementRef<HTMLElement>>('main');

  /** The address without its parameters; undefined before the first page. */
  protected readonly path = signal<string | undefined>(undefined);

  constructor() {
    const router = inject(Router);
    router.events.subscribe((event) => {
      if (!(event instanceof NavigationEnd)) return;
      const path = event.urlAfterRedirects.split('?')[0];
      // Another page, and not the first one or other parameters of the same.
      if (this.path() !== undefined && path !== this.path()) {
        this.announcer.dismiss();
        this.main().nativeElement.focus();
      }
      this.path.set(path);
    });
  }

  /** `aria-current` of a link of the navigation. */
  protected current(link: string): 'page' | null {
    return this.path() === link ? 'page' : null;
  }

  /** Without a change of the address, which a link to `#main` would make. */
  protected skip(event: Event): void {
    event.preventDefault();
    this.main().nativeElement.focus();
  }
}
