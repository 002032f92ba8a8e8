import {
  type ComponentRef,
  Directive,
  effect,
  inject,
  input,
  signal,
  type Type,
  ViewContainerRef,
} from '@angular/core';

import { reload } from '../reload';
import { Announcer } from './announcer';

/**
 * Renders a component that is not in the first download:
 * `<ng-container [shopLazy]="load" [shopLazyInputs]="{ name: value }" />`.
 *
 * `@defer` and `ngComponentOutlet` do the same, and would add 3 and 1 kB to the first download.
 */
@Directive({ selector: '[shopLazy]' })
export class Lazy<T> {
  readonly shopLazy = input.required<() => Promise<Type<T>>>();
  readonly shopLazyInputs = input<Record<string, unknown>>({});

  constructor() {
    const container = inject(ViewContainerRef);
    const announcer = inject(Announcer);
    const component = signal<ComponentRef<T> | undefined>(undefined);
    const load = async () => {
      try {
        const type = await this.shopLazy()();
        // The inputs are set before the component is rendered for the first time.
        if (!container.length) component.set(container.createComponent(type));
      } catch {
        if (navigator.onLine) reload(location.href, announcer);
        else addEventListener('online', () => void load(), { once: true });
      }
    };
    effect(() => void load());
    effect(() => {
      for (const [name, value] of Object.entries(this.shopLazyInputs())) {
        component()?.setInput(name, value);
      }
    });
  }
}
